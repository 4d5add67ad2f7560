"""The data preprocessor: randomness, guidance on demand, bad input."""
import copy
import pickle

import pytest
import torch
from helpers import (BOTH_LOSSES, NUM_CLASSES, SMMIX, batch, build, mix,
                     train_losses, vit_config)
from mmengine.logging import MessageHub
from mmengine.model import ExponentialMovingAverage
from mmpretrain.models import RandomBatchAugment
from mmpretrain.structures import DataSample

from mmmix.errors import MmmixError
from mmmix.models import PuzzleMix, RandomMixer
from mmmix.registry import BATCH_AUGMENTS

CUTMIX = dict(type='mmmix.CutMix', alpha=1.)
MIXUP = dict(type='mmmix.Mixup', alpha=0.8)
CONSISTENCY = dict(consistency=dict(type='mmmix.ConsistencyLoss'))


@pytest.fixture
def hub():
    """A message hub as a running trainer has it."""
    hub = MessageHub.get_current_instance()
    hub.update_info('iter', 0)
    hub.update_info('seed', 7)
    yield hub
    hub.pop_info('iter')
    hub.pop_info('seed')


def test_validation_is_the_parents():
    model = build(vit_config([SMMIX]))
    data = batch()
    output = model.data_preprocessor(data, training=False)
    assert set(output) == {'inputs', 'data_samples'}
    assert torch.equal(output['inputs'], torch.stack(data['inputs']))


def test_data_samples_keep_the_unmixed_labels():
    """The mixed ones are the MixedBatch's."""
    data = mix(build(vit_config([SMMIX])))
    labels = [i % NUM_CLASSES for i in range(6)]
    assert [s.gt_label.item() for s in data['data_samples']] == labels
    unmixed = torch.eye(NUM_CLASSES)[labels]
    assert torch.equal(
        torch.stack([s.gt_score for s in data['data_samples']]), unmixed)
    mixed = data['mixed']
    assert torch.equal(mixed.labels, unmixed)
    for n, lam in enumerate(mixed.lam):
        torch.testing.assert_close(
            mixed.mixed_labels()[n],
            lam * unmixed[mixed.source[n]] + (1 - lam) * unmixed[n])


def test_the_preprocessor_mixes_nothing_by_itself():
    model, data = build(vit_config([SMMIX])), batch()
    output = model.data_preprocessor(data, training=True)
    assert set(output) == {'inputs', 'data_samples'}
    assert torch.equal(output['inputs'], torch.stack(data['inputs']))


def stock(**kwargs):
    """A stock classifier with our preprocessor."""
    cfg = vit_config(
        backbone=dict(out_type='cls_token'),
        data_preprocessor=dict(
            type='mmmix.MixDataPreprocessor', num_classes=NUM_CLASSES))
    for key in ('loss', 'mix_losses'):
        cfg['head'].pop(key)
    cfg['head']['type'] = 'mmpretrain.VisionTransformerClsHead'
    cfg['type'] = 'mmpretrain.ImageClassifier'
    return build(dict(cfg, **kwargs))


def test_a_model_that_does_not_mix_is_refused():
    model = stock(train_cfg=dict(augments=[MIXUP, CUTMIX]))
    model.data_preprocessor(batch(), training=False)
    with pytest.raises(ValueError, match='Mixup, CutMix.*MixClassifier'):
        model.data_preprocessor(batch(), training=True)
    model.data_preprocessor.model_mixes = True  # a class that does
    model.data_preprocessor(batch(), training=True)
    unmixed = stock()
    data = unmixed.data_preprocessor(batch(), training=True)
    assert torch.isfinite(unmixed(**data, mode='loss')['loss'])
    unmixed.data_preprocessor.batch_augments = RandomMixer(CUTMIX)  # a hook
    with pytest.raises(ValueError, match='CutMix.*MixClassifier'):
        unmixed.data_preprocessor(batch(), training=True)


def test_a_copy_of_a_model_mixes_as_well():
    """As those of an average, or of a strategy that shards."""
    model = build(vit_config([SMMIX]))
    copies = [copy.deepcopy(model), ExponentialMovingAverage(model).module]
    for one in copies + [pickle.loads(pickle.dumps(model))]:
        losses, data = train_losses(one)
        assert data['mixed'].kind == 'regions' and 'loss_cls' in losses


@pytest.mark.parametrize('augment,losses,asked', [
    (SMMIX, None, {'attention'}),
    (SMMIX, BOTH_LOSSES, {'attention', 'logits'}),
    (CUTMIX, None, set()),
    (CUTMIX, dict(fine=BOTH_LOSSES['fine']), set()),
    (CUTMIX, CONSISTENCY, {'logits'}),
    (MIXUP, BOTH_LOSSES, set()),
    (MIXUP,
     dict(consistency=dict(type='mmmix.ConsistencyLoss', batches='mixed')),
     {'logits'}),
    (dict(type='mmpretrain.CutMix', alpha=1.), BOTH_LOSSES, set()),
])
def test_the_guide_is_asked_only_for_what_is_required(augment, losses, asked):
    data = mix(build(vit_config([SMMIX, augment], losses, probs=[0., 1.])))
    guidance = data['guidance']
    returned = {
        name
        for name in ('attention', 'logits')
        if guidance is not None and getattr(guidance, name) is not None
    }
    assert returned == asked


def test_an_unmixed_batch_asks_the_guide_only_for_losses_on_all():
    losses = dict(consistency=dict(type='mmmix.ConsistencyLoss'))
    data = mix(build(vit_config([CUTMIX], losses, probs=[0.])))
    assert data['guidance'] is None and data['mixed'].mixer is None
    assert (data['mixed'].lam == 0).all()
    losses['consistency']['batches'] = 'all'
    data = mix(build(vit_config([CUTMIX], losses, probs=[0.])))
    assert data['guidance'].logits.shape == (6, NUM_CLASSES)


@pytest.mark.parametrize('name', ['Mixup', 'CutMix', 'ResizeMix'])
def test_a_mixer_of_mmpretrain_runs_beside_ours(name):
    """It does not tell what it mixed: soft labels, nothing pasted."""
    model = build(vit_config([dict(type=f'mmpretrain.{name}', alpha=1.)]))
    data = batch()
    unmixed = torch.stack(data['inputs'])
    data = mix(model, data)
    mixed = data['mixed']
    assert mixed.kind == 'unmixed' and not mixed.lam.any()
    assert not torch.equal(mixed.inputs, unmixed)
    labels = mixed.mixed_labels()
    assert torch.equal(labels, mixed.labels)
    torch.testing.assert_close(labels.sum(1), torch.ones(6))
    assert ((0 < labels) & (labels < 1)).any()
    losses, data = train_losses(model)
    assert set(losses) == {'loss_cls'}
    logits = model(data['inputs'])
    torch.testing.assert_close(
        losses['loss_cls'],
        -(data['mixed'].labels * logits.log_softmax(1)).sum() / 6)


def test_a_stock_head_learns_the_mixed_labels():
    cfg = vit_config([dict(type='mmmix.CutMix')],
                     backbone=dict(out_type='cls_token'))
    cfg['head'].update(type='mmpretrain.VisionTransformerClsHead')
    cfg['head'].pop('mix_losses')
    model = build(cfg)
    losses, data = train_losses(model)
    logits = model(data['inputs'])
    torch.testing.assert_close(
        losses['loss'],
        -(data['mixed'].mixed_labels() * logits.log_softmax(1)).sum() / 6)
    labels = torch.stack([s.gt_score for s in data['data_samples']])
    assert torch.equal(labels, data['mixed'].labels)


def test_the_same_seed_and_iteration_mix_alike(hub):
    """A resumed run requires no state but seed and iteration."""
    model, data = build(vit_config([SMMIX, CUTMIX])), batch()

    def inputs_at(iteration, copies=1):
        hub.update_info('iter', iteration)
        return mix(model, dict(data))['inputs']

    run = [inputs_at(i) for i in range(5)]
    resumed = [inputs_at(i) for i in range(2, 5)]
    assert all(torch.equal(a, b) for a, b in zip(run[2:], resumed))
    assert not torch.equal(run[0], run[1])


def test_calls_without_a_trainer_differ():
    model, data = build(vit_config([CUTMIX])), batch()
    first, second = (mix(model, dict(data))['inputs'] for _ in range(2))
    assert not torch.equal(first, second)


def test_ranks_agree_on_the_mixer_and_differ_in_the_pairs(hub, monkeypatch):
    module = 'mmmix.models.data_preprocessors.generators.get_rank'
    model, data = build(vit_config([SMMIX, CUTMIX, MIXUP])), batch(8)
    drawn = {}
    for rank in (0, 1):
        monkeypatch.setattr(module, lambda rank=rank: rank)
        drawn[rank] = []
        for iteration in range(12):
            hub.update_info('iter', iteration)
            mixed = mix(model, dict(data))['mixed']
            drawn[rank].append((mixed.mixer, mixed.lam.tolist()))
    names = [[name for name, _ in drawn[rank]] for rank in (0, 1)]
    assert names[0] == names[1] and len(set(names[0])) == 3
    differ = [a != b for a, b in zip(drawn[0], drawn[1])]
    # a small grid has few sizes of boxes, so some may coincide
    assert sum(differ) > 6


def switch(model, *augments):
    """As MMPretrain's SwitchRecipeHook does."""
    model.data_preprocessor.batch_augments = RandomBatchAugment(
        [BATCH_AUGMENTS.build(cfg) for cfg in augments])
    return model.data_preprocessor.batch_augments.augments


@pytest.mark.parametrize('before', [None, [CUTMIX]])
def test_a_mixer_that_a_hook_switches_to_is_prepared_once(before, monkeypatch):
    model = build(
        vit_config(
            before,
            data_preprocessor=dict(mean=[120.] * 3, std=[58., 57., 56.])))
    calls = []
    monkeypatch.setattr(PuzzleMix, 'prepare',
                        lambda self, model: calls.append(model))
    puzzle, mixup = switch(model, dict(type='mmmix.PuzzleMix', grids=(4, )),
                           MIXUP)
    for _ in range(3):
        train_losses(model)
        assert calls == [model]
    assert puzzle.std.tolist() == [58., 57., 56.]
    # a part of the same mixers, or none of them, is nothing new
    for augments in (RandomBatchAugment([mixup]), None):
        model.data_preprocessor.batch_augments = augments
        train_losses(model)
        assert calls == [model]


@pytest.mark.parametrize('augment,message', [
    (dict(type='mmmix.MaskMix', scale=1, patch_size=4), '4 x 4 pixel cells'),
    (dict(type='mmmix.AtSite', mixer=CUTMIX,
          sites=['layers.7']), "no module 'layers.7'"),
    (MIXUP, 'A blend has no regions'),
])
def test_a_mixer_that_does_not_suit_the_model_cannot_be_switched_to(
        augment, message):
    model = build(vit_config([SMMIX], BOTH_LOSSES))
    switch(model, augment)
    for _ in range(2):
        with pytest.raises(MmmixError, match=message):
            train_losses(model)
    switch(model, SMMIX)
    assert 'loss_fine' in train_losses(model)[0]


@pytest.mark.parametrize('size', [(32, 32), (64, 40)])
@pytest.mark.parametrize('n', [1, 5])
def test_odd_batches_and_rectangular_images(size, n):
    model = build(vit_config([SMMIX], img_size=size))
    assert mix(model, batch(n, size))['inputs'].shape == (n, 3, *size)


@pytest.mark.parametrize('augments', [None, [SMMIX]])
def test_bad_labels_are_refused(augments):
    model = build(vit_config(augments))
    data = batch()
    data['data_samples'][2] = DataSample(metainfo=dict(
        img_path='cat.jpg')).set_gt_label(NUM_CLASSES)
    with pytest.raises(ValueError, match=r'Label \[5\] of cat.jpg .* 0..4'):
        mix(model, data)
    data['data_samples'][2] = DataSample()
    with pytest.raises(ValueError, match='neither `gt_label` nor'):
        mix(model, data)


@pytest.mark.parametrize('score', [[.5, .5, 0.], [1.2, -.2, 0., 0., 0.]])
def test_bad_soft_labels_are_refused(score):
    model = build(vit_config([SMMIX]))
    data = batch()
    data['data_samples'][1].set_gt_score(torch.tensor(score))
    with pytest.raises(ValueError, match='5 numbers .* none of them neg'):
        mix(model, data)


def test_soft_labels_are_mixed():
    model = build(vit_config([SMMIX]))
    data = batch()
    soft = torch.rand(6, NUM_CLASSES).softmax(1)
    for sample, score in zip(data['data_samples'], soft):
        sample.set_gt_score(score)
    mixed = mix(model, data)['mixed']
    assert torch.equal(mixed.labels, soft)
    torch.testing.assert_close(mixed.mixed_labels().sum(1), torch.ones(6))


def test_a_length_mismatch_is_refused():
    model = build(vit_config([SMMIX]))
    data = batch()
    data['inputs'] = data['inputs'][:4]
    with pytest.raises(ValueError, match='same N'):
        mix(model, data)


def test_image_that_does_not_divide_into_patches_is_refused():
    with pytest.raises(ValueError, match='36 x 36 .* cells of 8 x 8'):
        build(vit_config([SMMIX], img_size=36))
    with pytest.raises(ValueError, match='36 x 36 .* cells of 8 x 8'):
        build(
            vit_config([CUTMIX], dict(fine=BOTH_LOSSES['fine']), img_size=36))
    with pytest.raises(ValueError, match='36 x 32 .* cells of 8 x 8'):
        mix(build(vit_config([SMMIX])), batch(size=(36, 32)))
