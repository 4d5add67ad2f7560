"""Labels that a teacher replaces before images and labels are mixed."""
import math

import numpy as np
import pytest
import torch
from helpers import (NUM_CLASSES, SMMIX, batch, build, cnn_config,
                     train_losses, vit_config)
from torch import nn

from mmmix.models import CutMix, LabelMapGuide, ReLabel
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance

N, K = 5, 3
CUTMIX = dict(type='mmmix.CutMix')
TOKEN_LABEL = dict(
    dense=dict(
        type='mmmix.DenseLabelLoss',
        target='label_maps',
        second_classifier=True,
        batches='all'))


def softmax(row):
    total = sum(math.exp(v) for v in row)
    return [math.exp(v) / total for v in row]


def sampled(mixer, seed=0, n=N, size=(24, 16)):
    return mixer.sample(np.random.default_rng(seed), n, size)


def test_the_new_labels_are_mixed_as_the_old_would_be():
    torch.manual_seed(0)
    images, logits = torch.rand(N, 3, 24, 16), torch.randn(N, K)
    labels = torch.eye(K)[torch.arange(N) % K]
    mixer = BATCH_AUGMENTS.build(dict(type='mmmix.ReLabel', mixer=CUTMIX))
    params = sampled(mixer)
    mixed = mixer.mix(images, labels, params, Guidance(logits=logits))
    plain = CutMix().mix(images, labels, sampled(CutMix()))
    assert torch.equal(mixed.inputs, plain.inputs)
    assert torch.equal(mixed.lam, plain.lam) and mixed.mixer == 'CutMix'
    new = [softmax(row) for row in logits.tolist()]
    for n, label in enumerate(mixed.mixed_labels().tolist()):
        lam, a = mixed.lam[n].item(), mixed.source[n].item()
        assert label == pytest.approx(
            [lam * u + (1 - lam) * v for u, v in zip(new[a], new[n])],
            abs=1e-6)


def test_without_a_mixer_only_the_labels_are_new():
    images, logits = torch.rand(N, 3, 24, 16), torch.randn(N, K)
    mixer = ReLabel()
    mixed = mixer.mix(images, torch.eye(N, K), sampled(mixer),
                      Guidance(logits=logits))
    assert mixed.inputs is images and mixed.kind == mixer.kind == 'unmixed'
    torch.testing.assert_close(mixed.mixed_labels(), logits.softmax(1))


def test_stored_maps_give_the_label_of_the_published_code():
    """Scores of the best classes, 0 for the others, averaged over the crop,
    then the softmax."""
    from mmpretrain.structures import DataSample
    torch.manual_seed(0)
    maps = torch.rand(K, 4, 4)
    maps[0] = 0  # not among the best two
    values, indices = maps.topk(2, 0)
    # a box of whole cells
    box = torch.tensor([0.25, 0.5, 1., 1.])
    sample = DataSample(
        label_map=torch.stack([values, indices.float()]), crop_box=box)
    guidance = LabelMapGuide()(nn.Module(), torch.rand(1, 3, 8, 8),
                               frozenset({'logits'}), torch.eye(1, K),
                               [sample])
    mixed = ReLabel().mix(
        torch.rand(1, 3, 8, 8), torch.eye(1, K), dict(), guidance)
    expected = softmax([
        sum(maps[k, y, x].item() for y in range(1, 4) for x in range(2, 4)) / 6
        for k in range(K)
    ])
    assert mixed.labels[0].tolist() == pytest.approx(expected, abs=1e-6)


def test_it_requires_what_its_mixer_does():
    assert ReLabel().requires == {'logits'}
    assert ReLabel(SMMIX).requires == {'logits', 'attention'}
    assert ReLabel(dict(type='mmmix.Mixup')).kind == 'blend'


def test_it_mixes_where_its_mixer_does():
    assert ReLabel().in_place and ReLabel().modules == ()
    assert not ReLabel(SMMIX).in_place
    inside = ReLabel(dict(type='mmmix.ManifoldMix'))
    assert inside.modules == ('layer1', 'layer2')
    rng, grids = np.random.default_rng(3), dict(layer1=(4, 4), layer2=(2, 2))
    sites = {
        inside.sample(rng, 4, (8, 8), grids).get('site')
        for _ in range(20)
    }
    assert sites == {None, 'layer1', 'layer2'}
    with pytest.raises(ValueError, match='at layer1 or layer2, which a plain'):
        inside(torch.rand(2, 3, 8, 8), torch.eye(2))


def test_the_mixer_is_checked_with_the_model():
    maskmix = dict(type='mmmix.MaskMix', scale=1, patch_size=12)
    with pytest.raises(ValueError, match='not a multiple'):
        build(vit_config([dict(type='mmmix.ReLabel', mixer=maskmix)]))


def test_a_stock_mixer_is_refused():
    with pytest.raises(ValueError, match='`mixer` must be of type BatchMixer'):
        ReLabel(dict(type='mmpretrain.CutMix', alpha=1.))


def test_a_plain_batch_augment_has_no_teacher():
    with pytest.raises(ValueError, match='requires logits from a guide'):
        ReLabel()(torch.rand(2, 3, 8, 8), torch.eye(2))


@pytest.mark.parametrize('config', [vit_config, cnn_config])
@pytest.mark.parametrize('mixer', [CUTMIX, SMMIX, None])
@pytest.mark.parametrize('n,size', [(1, (32, 32)), (5, (16, 40))])
def test_token_label_takes_a_step(config, mixer, n, size):
    """A soft label for the image, and one for each token, in every batch."""
    model = build(
        config([dict(type='mmmix.ReLabel', mixer=mixer)],
               TOKEN_LABEL,
               img_size=size))
    losses, seen = train_losses(model, batch(n, size))
    assert set(losses) == {'loss_cls', 'loss_dense'}
    mixed, guidance = seen['mixed'], seen['guidance']
    torch.testing.assert_close(mixed.labels, guidance.logits.softmax(1))
    with torch.no_grad():
        if config is vit_config:
            grid = [side // 8 for side in size]
            places = model.backbone(mixed.inputs)[0][:, 1:]
            places = places.transpose(1, 2).unflatten(2, grid)
            logits = model.head(model.backbone(mixed.inputs))
            target = mixed.mixed_labels()
            expected = -(target * logits.log_softmax(1)).sum(1).mean()
            torch.testing.assert_close(losses['loss_cls'], expected)
            expected = model.head.mix_losses['dense'](model.head, logits,
                                                      mixed, guidance, places)
            torch.testing.assert_close(losses['loss_dense'], expected)
    sum(losses.values()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all(), name


def test_the_labels_of_the_data_samples_are_not_read():
    """All of class 0, and a teacher that says otherwise."""
    model = build(cnn_config([dict(type='mmmix.ReLabel')]))
    data = batch(4)
    for sample in data['data_samples']:
        sample.set_gt_label(0)
    _, seen = train_losses(model, data)
    labels = seen['mixed'].mixed_labels()
    assert labels.shape == (4, NUM_CLASSES)
    torch.testing.assert_close(labels, seen['guidance'].logits.softmax(1))
