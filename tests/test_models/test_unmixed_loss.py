"""The loss of the images before they were mixed."""
import copy

import numpy as np
import pytest
import torch
from helpers import NUM_CLASSES, batch, build, cnn_config, vit_config

from mmmix.models import CutMix, UnmixedLoss
from mmmix.registry import MODELS

UNMIXED = dict(unmixed=dict(type='mmmix.UnmixedLoss', loss_weight=0.5))
CUTMIX = [dict(type='mmmix.CutMix')]


def losses_of(model, data):
    data = model.data_preprocessor(copy.deepcopy(data), training=True)
    return model(**data, mode='loss')


@pytest.mark.parametrize('n', [1, 5])
@pytest.mark.parametrize('cfg', [vit_config, cnn_config])
def test_it_is_the_cross_entropy_of_the_originals(cfg, n):
    """Its gradients, too."""
    model = build(cfg(CUTMIX, UNMIXED)).train()
    data, by_hand = batch(n), copy.deepcopy(model)
    loss = losses_of(model, data)['loss_unmixed']
    loss.backward()
    logits = by_hand(torch.stack(data['inputs']))
    expected = -logits.log_softmax(1)[range(n), range(n)].mean() / 2
    expected.backward()
    torch.testing.assert_close(loss, expected)
    for one, other in zip(model.parameters(), by_hand.parameters()):
        torch.testing.assert_close(one.grad, other.grad)


def test_batch_norm_sees_both_kinds_of_images():
    model = build(cnn_config(CUTMIX, UNMIXED)).train()
    counted = model.backbone.norm1.num_batches_tracked
    losses_of(model, batch())
    assert counted == 2
    model.head.mix_losses.pop('unmixed')
    losses_of(model, batch())
    assert counted == 3


def test_it_is_the_loss_of_the_head():
    """Whatever the recipe smooths."""
    head = dict(
        loss=dict(
            type='mmpretrain.LabelSmoothLoss',
            label_smooth_val=0.1,
            mode='original'))
    model = build(vit_config(CUTMIX, UNMIXED, head=head)).train()
    data = batch(3)
    labels = torch.full((3, NUM_CLASSES), 0.1 / NUM_CLASSES)
    labels[range(3), range(3)] += 0.9
    with torch.no_grad():
        logits = model(torch.stack(data['inputs']))
    expected = -(labels * logits.log_softmax(1)).sum(1).mean() / 2
    torch.testing.assert_close(
        losses_of(model, data)['loss_unmixed'], expected)


def test_it_applies_to_mixed_batches_of_every_kind():
    augments = [dict(type='mmmix.Mixup'), dict(type='mmmix.CutMix')]
    for picked, expected in ((0, True), (1, True), (None, False)):
        probs = [float(i == picked) for i in range(2)]
        model = build(vit_config(augments, UNMIXED, probs=probs)).train()
        assert ('loss_unmixed' in losses_of(model, batch(3))) is expected


def test_it_says_what_it_requires():
    params = dict(
        source=np.array([1, 0]), box=np.array([0, 0, 1, 1]), lam=0.25)
    mixed = CutMix().mix(torch.rand(2, 3, 2, 2), torch.eye(2), params)
    with pytest.raises(ValueError, match='`mixed.unmixed_logits` is None'):
        UnmixedLoss()(torch.nn.Identity(), torch.zeros(2, 2), mixed)
    with pytest.raises(ValueError, match='`batches` must be one of'):
        MODELS.build(dict(type='mmmix.UnmixedLoss', batches='none'))
