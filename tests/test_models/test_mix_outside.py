"""Mixing and labelling outside of a training are what a training does."""
import copy
from dataclasses import replace

import helpers
import numpy as np
import pytest
import torch
from helpers import batch, build, cnn_config, vit_config
from mmengine.logging import MessageHub

RULES = [
    'mmmix.TransMixLabel', 'mmmix.ProgressiveAttentionLabel',
    'mmmix.AreaAttentionLabel'
]


def rng_of_training():
    """The rank's own generator in iteration 0 of seed 3."""
    hub = MessageHub.get_current_instance()
    hub.update_info('seed', 3)
    hub.update_info('iter', 0)
    return np.random.default_rng([3, 0, 0, 1])


def mix_by(model, number, inputs, labels=None, rng=None, *args):
    """Mix by one of a model's mixers, counted from 0; None mixes nothing."""
    preprocessor = model.data_preprocessor
    augment = None if number is None else \
        preprocessor.batch_augments.augments[number]
    if labels is None:
        labels = torch.eye(helpers.NUM_CLASSES)[:len(inputs)]
    return preprocessor.mix_by(model, augment, inputs, labels, rng
                               or np.random.default_rng(0), *args)


def model_of(rule, config=vit_config, **kwargs):
    torch.manual_seed(0)
    head = dict(label_rule=rule and dict(type=rule))
    return build(config([helpers.SMMIX], head=head, **kwargs))


@pytest.mark.parametrize('rule', [None, *RULES])
def test_lambda_is_that_of_the_training(rule, monkeypatch):
    model = model_of(rule).train()
    rng = rng_of_training()
    data = batch()
    plain = model.data_preprocessor(data, True)
    labels = torch.eye(
        helpers.NUM_CLASSES)[[int(s.gt_label) for s in data['data_samples']]]
    # what the head's losses are given in the training step
    seen, relabel = [], model.head.relabel
    monkeypatch.setattr(model.head, 'relabel',
                        lambda *args: seen.append(relabel(*args)) or seen[-1])
    before = copy.deepcopy(model)
    _, trained = helpers.train_losses(model, data)
    mixed, guidance = mix_by(before, 0, plain['inputs'], labels, rng)
    for name in ('inputs', 'source', 'lam', 'source_boxes', 'target_boxes'):
        assert torch.equal(
            getattr(mixed, name), getattr(trained['mixed'], name)), name
    mine = model.relabel(mixed, guidance)
    if rule is None:
        assert torch.equal(mine.lam, trained['mixed'].lam)
    else:
        assert torch.allclose(mine.lam, seen[0].lam, atol=1e-6)
        assert not torch.allclose(mine.lam, mixed.lam)
    assert not mine.lam.requires_grad


def test_given_pairs_and_given_maps():
    model = model_of('mmmix.AreaAttentionLabel')
    inputs = torch.rand(3, 3, 32, 32)
    labels = torch.eye(helpers.NUM_CLASSES)[:3]
    maps = torch.zeros(3, 32, 32)
    maps[0, 16:, 16:] = 1  # all other places are equally empty
    maps[1, :16, :16] = 1
    maps[2, :, :16] = 1
    model.data_preprocessor.batch_augments.augments[0].delta = (0.5, 0.5)
    source = np.array([1, 0, 0])
    mixed, guidance = mix_by(model, 0, inputs, labels,
                             np.random.default_rng(0), source, maps)
    assert mixed.source.tolist() == [1, 0, 0]
    assert mixed.source_boxes.tolist() == [[0, 0, 16, 16], [16, 16, 32, 32],
                                           [16, 16, 32, 32]]
    assert guidance.attention.shape == (3, 4, 4)
    # all of A beside all of B, which cover 1/4, 1/4 and 1/2 of an image
    attended = np.array([1 / 2, 1 / 2, 1 / 3])
    assert model.relabel(mixed, guidance).lam.tolist() == pytest.approx(
        (attended + 1 / 4) / 2)


def test_nothing_is_mixed():
    model = model_of(None)
    inputs = torch.rand(2, 3, 32, 32)
    mixed, guidance = mix_by(model, None, inputs)
    assert mixed.inputs is inputs and not mixed.lam.any()
    assert guidance is None


def test_a_rule_leaves_a_blend_alone():
    torch.manual_seed(0)
    model = build(
        vit_config(
            [helpers.SMMIX, dict(type='mmmix.Mixup', alpha=1.)],
            head=dict(label_rule=dict(type=RULES[0]))))
    inputs = torch.rand(4, 3, 32, 32)
    mixed, guidance = mix_by(model, 1, inputs)
    assert torch.equal(model.relabel(mixed, guidance).lam, mixed.lam)
    assert guidance is None


def test_a_cnn_asks_its_guide_only():
    model = model_of('mmmix.AreaAttentionLabel', cnn_config)
    inputs = torch.rand(4, 3, 32, 32)
    mixed, guidance = mix_by(model, 0, inputs)
    lam = model.relabel(mixed, guidance).lam
    assert lam.shape == (4, ) and not torch.equal(lam, mixed.lam)
    again = model.relabel(replace(mixed, lam=mixed.lam * 0), guidance).lam
    assert not again.any()  # nothing pasted, nothing labelled
