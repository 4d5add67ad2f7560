"""FMix, SmoothMix and GridMixup through their public interface."""
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import batch, build, cnn_config, train_losses, vit_config
from mmpretrain.models import RandomBatchAugment

from mmmix.errors import MissingIngredient
from mmmix.functional import (gaussian_masks, low_frequency_images,
                              resize_mask, two_column_images)
from mmmix.registry import BATCH_AUGMENTS, MODELS

SIZE = (24, 40)
MIXERS = [
    dict(type='mmmix.FMix'),
    dict(type='mmmix.FMix', per_image=True),
    dict(type='mmmix.FMix', spectrum='public_code', alpha=0.2),
    dict(type='mmmix.FMix', max_soft=0.3, per_image=True),
    dict(type='mmmix.FMix', grid=(6, 8), max_soft=0.2, lam='area'),
    dict(type='mmmix.FMix', grid=7, lam='area'),
    dict(type='mmmix.FMix', reformulate=True),
    dict(type='mmmix.SmoothMix'),
    dict(type='mmmix.SmoothMix', shape='square', peak='target'),
    dict(type='mmmix.SmoothMix', per_image=True, swapped_label=True),
    dict(type='mmmix.GridMixup'),
    dict(type='mmmix.GridMixup', alpha=0.2, wrap_around=True),
    dict(type='mmmix.GridMixup', columns=3, hole_ratio=2., crop_area=1.),
]


def run(cfg, seed=0, n=5, size=SIZE, dtype=torch.float32):
    mixer = BATCH_AUGMENTS.build(cfg)
    inputs = torch.rand(n, 3, *size).to(dtype)
    labels = F.one_hot(torch.arange(n) % 4, 4)
    params = mixer.sample(np.random.default_rng(seed), n, size)
    return mixer.mix(inputs, labels, params), inputs, params


@pytest.mark.parametrize('cfg', MIXERS)
@pytest.mark.parametrize('n', [1, 2, 5])
def test_images_are_mixed_by_the_mask(cfg, n):
    """Pixel by pixel, in the images and by the labels."""
    for seed in range(3):
        mixed, inputs, _ = run(cfg, seed, n)
        assert mixed.kind == BATCH_AUGMENTS.build(cfg).kind
        assert mixed.lam.shape == (n, ) and mixed.mask.dtype == torch.float32
        assert ((0 <= mixed.lam) & (mixed.lam <= 1)).all()
        assert sorted(mixed.source.tolist()) == [*range(n)]
        torch.testing.assert_close(mixed.mixed_labels().sum(1), torch.ones(n))
        mask = resize_mask(mixed.mask, SIZE)[:, None]
        if mixed.kind == 'regions':
            assert ((mask == 0) | (mask == 1)).all()
            expected = torch.where(mask == 1, inputs[mixed.source], inputs)
            assert torch.equal(mixed.inputs, expected)
        else:
            torch.testing.assert_close(
                mixed.inputs,
                mask * inputs[mixed.source] + (1 - mask) * inputs)


@pytest.mark.parametrize('cfg', MIXERS)
def test_the_same_numbers_give_the_same_mix(cfg):
    mixer = BATCH_AUGMENTS.build(cfg)
    inputs, labels = torch.rand(5, 3, *SIZE), torch.eye(5)
    before = inputs.clone()
    first, second = (
        mixer.mix(inputs, labels,
                  mixer.sample(np.random.default_rng(3), 5, SIZE))
        for _ in range(2))
    assert torch.equal(first.inputs, second.inputs)
    assert torch.equal(first.lam, second.lam)
    assert torch.equal(inputs, before)


@pytest.mark.parametrize('cfg', MIXERS[::3])
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float64])
def test_other_precisions(cfg, dtype):
    mixed, inputs, _ = run(cfg, dtype=dtype)
    assert mixed.inputs.dtype == dtype
    assert mixed.mask.dtype == mixed.lam.dtype == torch.float32


@pytest.mark.parametrize('name', ['FMix', 'SmoothMix', 'GridMixup'])
def test_they_keep_mmpretrains_contract(name):
    inputs, labels = torch.rand(5, 3, *SIZE), torch.eye(5)
    augment = RandomBatchAugment(dict(type=f'mmmix.{name}'))
    np.random.seed(0)
    first = augment(inputs, labels)
    np.random.seed(0)
    again = augment(inputs, labels)
    assert first[0].shape == inputs.shape and first[1].shape == (5, 5)
    assert torch.equal(first[0], again[0])


# FMix


@pytest.mark.parametrize('spectrum', ['paper', 'public_code'])
@pytest.mark.parametrize('per_image', [False, True])
def test_fmix_pastes_the_largest_share_of_the_noise(spectrum, per_image):
    cfg = dict(type='mmmix.FMix', spectrum=spectrum, per_image=per_image)
    masks, places = 4 if per_image else 1, 12 * 20
    rounded = []
    for seed in range(20):
        mixed, _, params = run(cfg, seed, 4, (12, 20))
        noise = torch.from_numpy(params['noise'])
        images = low_frequency_images(noise, 3.) if spectrum == 'paper' \
            else two_column_images(noise, (12, 20), 3.)
        assert len(images) == masks
        assert len(mixed.lam.unique()) == masks
        for i in range(4):
            mask, image = mixed.mask[i], images[i % masks]
            count = int(mask.sum())
            exact = mixed.lam[i].item() * places
            assert abs(count - exact) < 1 + 1e-4
            rounded.append(count > exact)
            if 0 < count < places:
                assert image[mask == 1].min() >= image[mask == 0].max()
    assert 0.2 < np.mean(rounded) < 0.8


def test_fmix_label_is_lambda_or_the_area():
    """On a grid that does not divide the image they differ."""
    drawn, _, params = run(dict(type='mmmix.FMix', grid=(5, 7)))
    assert drawn.lam.tolist() == [params['lam'].item()] * 5
    area, *_ = run(dict(type='mmmix.FMix', grid=(5, 7), lam='area'))
    assert torch.equal(area.mask, drawn.mask)
    torch.testing.assert_close(area.lam, area.mask.mean((1, 2)))
    assert not torch.allclose(area.lam, drawn.lam)


def test_fmix_on_a_coarser_grid():
    mixed, *_ = run(dict(type='mmmix.FMix', grid=(6, 8)))
    assert mixed.mask.shape == (5, 6, 8)
    with pytest.raises(ValueError, match='use a coarser grid'):
        run(dict(type='mmmix.FMix', grid=32))


def test_soft_borders_keep_the_mean():
    for seed in range(10):
        mixed, _, params = run(
            dict(type='mmmix.FMix', max_soft=0.5, per_image=True), seed)
        torch.testing.assert_close(
            mixed.mask.sum((1, 2)),
            torch.from_numpy(params['count']).float())
        soft = ((mixed.mask > 0) & (mixed.mask < 1)).sum((1, 2))
        lam = torch.from_numpy(params['lam'])
        most = 2 * torch.minimum(lam, 1 - lam) * math.prod(SIZE)
        assert ((soft <= most) & (soft >= most - 5)).all()


def test_reformulated_fmix_keeps_the_label():
    mixed, inputs, _ = run(
        dict(type='mmmix.FMix', reformulate=True, per_image=True), n=200)
    assert (mixed.lam == 0).all() and not torch.equal(mixed.inputs, inputs)
    assert torch.equal(mixed.mixed_labels(), mixed.labels.float())
    # the mean of Beta(1, 2)
    assert mixed.mask.mean().item() == pytest.approx(1 / 3, abs=0.06)


def test_the_slip_gives_one_wave_across_at_most():
    """Along a row the mask changes at most twice; not so by the formula."""
    changes = {}
    for spectrum in ('paper', 'public_code'):
        cfg = dict(type='mmmix.FMix', spectrum=spectrum, per_image=True)
        mask = run(cfg, 0, 40, (32, 32))[0].mask
        around = (mask != mask.roll(1, 2)).sum(2)
        changes[spectrum] = int(around.max())
    assert changes['public_code'] == 2 < changes['paper']


# SmoothMix


@pytest.mark.parametrize('shape', ['circle', 'square'])
def test_smoothmix_side_and_label(shape):
    base = dict(type='mmmix.SmoothMix', shape=shape)
    mixed, inputs, params = run(base)
    centre, sigma = (
        torch.from_numpy(params[name]) for name in ('centre', 'sigma'))
    expected = gaussian_masks(centre, sigma, SIZE, shape)
    torch.testing.assert_close(mixed.mask, expected.expand(5, -1, -1))
    torch.testing.assert_close(mixed.lam, expected.mean().expand(5))
    other, *_ = run(dict(base, peak='target'))
    torch.testing.assert_close(other.mask, 1 - mixed.mask)
    torch.testing.assert_close(other.lam, 1 - mixed.lam)
    swapped, *_ = run(dict(base, swapped_label=True))
    torch.testing.assert_close(swapped.mask, mixed.mask)
    torch.testing.assert_close(swapped.lam, 1 - mixed.lam)


def test_sigma_is_a_share_of_the_shorter_side():
    mixer = BATCH_AUGMENTS.build(dict(type='mmmix.SmoothMix', per_image=True))
    params = mixer.sample(np.random.default_rng(0), 4000, (20, 50))
    assert 5 <= params['sigma'].min() < 5.1
    assert 9.9 < params['sigma'].max() <= 10
    for axis, side in enumerate((20, 50)):
        centre = params['centre'][:, axis]
        assert sorted(set(centre.tolist())) == [*range(side)]
    fixed = BATCH_AUGMENTS.build(dict(type='mmmix.SmoothMix', sigma=2.))
    assert fixed.sample(np.random.default_rng(0), 4, (20, 50))['sigma'] == 40


def test_mean_weight_of_openmixups_gaussian():
    """0.43 (0.12 to 0.73), see the method's page."""
    mixer = BATCH_AUGMENTS.build(dict(type='mmmix.SmoothMix', per_image=True))
    params = mixer.sample(np.random.default_rng(0), 1000, (32, 32))
    means = gaussian_masks(
        torch.from_numpy(params['centre']), torch.from_numpy(params['sigma']),
        (32, 32), 'circle').mean((1, 2))
    assert means.mean().item() == pytest.approx(0.43, abs=0.015)
    assert 0.09 < means.min() < 0.16 and 0.68 < means.max() < 0.75


# GridMixup


def holes(params, size):
    """The holes one by one."""
    y1, x1, y2, x2 = params['box'].tolist()
    mask = torch.zeros(size)
    (height, width), (tall, wide) = params['cell'], params['hole']
    for top in range(y1, y2, height):
        for left in range(x1, x2, width):
            for y in range(top, min(top + tall, y2)):
                for x in range(left, min(left + wide, x2)):
                    if 0 <= y < size[0] and 0 <= x < size[1]:
                        mask[y, x] = 1
    return mask


@pytest.mark.parametrize('size', [(24, 40), (32, 32)])
def test_gridmixup_hole_by_hole(size):
    cfg = dict(type='mmmix.GridMixup', hole_ratio=(0.5, 2.))
    outside = 0
    for seed in range(30):
        mixed, _, params = run(cfg, seed, 2, size)
        expected = holes(params, size)
        assert torch.equal(mixed.mask[0], expected)
        assert mixed.lam.tolist() == [float(expected.mean())] * 2
        y1, x1, y2, x2 = params['box'].tolist()
        assert 2 <= params['cell'][1] == math.ceil((x2 - x1) / math.ceil(
            (x2 - x1) / params['cell'][1]))
        assert ((1 <= params['hole']) &
                (params['hole'] < params['cell'])).all()
        assert 0.4 * size[0] * size[1] < (y2 - y1) * (x2 - x1)
        outside += y1 < 0 or x1 < 0
    assert outside  # larger than the image, and not wrapped around


def test_shares_of_openmixup():
    """At 32 pixels 28 % of the parts begin outside, and 0.26 is pasted."""
    mixer = BATCH_AUGMENTS.build(
        dict(type='mmmix.GridMixup', alpha=0.2, wrap_around=True))
    rng, outside, lams = np.random.default_rng(0), [], []
    inputs = torch.zeros(1, 1, 32, 32)
    for _ in range(700):
        params = mixer.sample(rng, 1, (32, 32))
        outside.append(params['box'].min() < 0)
        lams.append(mixer.mix(inputs, torch.eye(1), params).lam.item())
    assert np.mean(outside) == pytest.approx(0.28, abs=0.05)
    assert np.mean(lams) == pytest.approx(0.26, abs=0.04)


def test_extreme_shares_leave_a_pixel():
    """The public code's: a hole has at least a pixel, and so has what is
    around it."""
    for share in (0., 1.):
        cfg = dict(
            type='mmmix.GridMixup',
            hole_area=(share, share),
            columns=4,
            crop_area=1.,
            crop_ratio=1.)
        mask = run(cfg, size=(32, 32))[0].mask[0]
        assert mask.sum() == (16 if share == 0 else 16 * 49)


def test_columns_are_at_least_two_pixels_wide():
    cfg = dict(type='mmmix.GridMixup', columns=(2, 50))
    for seed in range(20):
        assert run(cfg, seed, size=(16, 16))[2]['cell'].min() >= 2
    with pytest.raises(ValueError, match='do not fit'):
        run(dict(type='mmmix.GridMixup', columns=20), size=(16, 16))


# refused


@pytest.mark.parametrize('cfg,message', [
    (dict(type='FMix', alpha=0), '`alpha`'),
    (dict(type='FMix', delta=-1), '`delta`.*-1'),
    (dict(type='FMix', max_soft=0.6), '`max_soft`.*0.6'),
    (dict(type='FMix', grid=0), '`grid`'),
    (dict(type='FMix', lam='mean'), '`lam`.*mean'),
    (dict(type='FMix', spectrum='full'), '`spectrum`'),
    (dict(type='SmoothMix', shape='ring'), "not 'ring'"),
    (dict(type='SmoothMix', peak='both'), '`peak`'),
    (dict(type='SmoothMix', sigma=(0.5, 0.2)), '`sigma`'),
    (dict(type='SmoothMix', sigma=0), '`sigma`'),
    (dict(type='GridMixup', alpha=-1), '`alpha`'),
    (dict(type='GridMixup', hole_area=(0.5, 2)), '`hole_area`'),
    (dict(type='GridMixup', columns=(2.5, 4)), '`columns`.*whole'),
    (dict(type='GridMixup', columns=(6, 2)), '`columns`'),
    (dict(type='GridMixup', hole_ratio=0), '`hole_ratio`'),
    (dict(type='GridMixup', crop_area=2), '`crop_area`.*to 1,'),
    (dict(type='GridMixup', crop_ratio=(1, 2, 3)), '`crop_ratio`'),
])
def test_bad_hyper_parameters_are_refused(cfg, message):
    with pytest.raises(ValueError, match=message):
        BATCH_AUGMENTS.build(dict(cfg, type=f'mmmix.{cfg["type"]}'))


# in a model


@pytest.mark.parametrize('cfg', MIXERS[::3])
@pytest.mark.parametrize('config', [vit_config, cnn_config])
@pytest.mark.parametrize('n,size', [(5, (32, 32)), (1, (32, 32))])
def test_a_training_step(cfg, config, n, size):
    model = build(config([cfg]))
    losses, data = train_losses(model, batch(n, size))
    assert set(losses) == {'loss_cls'}
    losses['loss_cls'].backward()
    assert data['mixed'].kind == BATCH_AUGMENTS.build(cfg).kind
    assert all(
        torch.isfinite(p.grad).all() for p in model.parameters()
        if p.grad is not None)


@pytest.mark.parametrize('cfg', [MIXERS[0], MIXERS[3], MIXERS[7], MIXERS[10]])
def test_label_rules_weigh_the_mask(cfg):
    """Uniform attention gives its mean, also where it is soft."""
    rule = dict(type='mmmix.TransMixLabel', downsample='area')
    losses, data = train_losses(
        build(vit_config([cfg], head=dict(label_rule=rule))))
    assert torch.isfinite(losses['loss_cls'])
    attention = torch.full((6, 4, 4), 1 / 16)
    torch.testing.assert_close(
        MODELS.build(rule).attention_lambda(data['mixed'], attention),
        data['mixed'].mask.mean((1, 2)))


def test_fine_grained_loss_requires_regions():
    fine = dict(fine=dict(type='mmmix.FineGrainedLoss'))
    for cfg in (MIXERS[0], MIXERS[10]):
        losses, _ = train_losses(build(vit_config([cfg], fine)))
        assert torch.isfinite(losses['loss_fine'])
    for cfg in (MIXERS[3], MIXERS[7]):
        with pytest.raises(MissingIngredient, match='regions'):
            build(vit_config([cfg], fine))
