"""MaskMix against loops over pixels, in float64."""
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import BOTH_LOSSES, build, train_losses, vit_config
from mmpretrain.models import ResNet, VisionTransformer
from torch import nn

from mmmix.functional import resize_mask
from mmmix.registry import BATCH_AUGMENTS

# cells of 8 pixels on patches of 4, unless a variant sets others
VARIANTS = [
    dict(),
    dict(rounding='ceil', mask_per_image=True, pairing='shuffle'),
    dict(per_image=True),
    dict(scale=1, per_image=True),
    dict(scale=5, per_image=True),
    dict(scale=1, strategy='block', per_image=True),
    dict(scale=1, strategy='region', per_image=True),
    dict(alignment='shifted', per_image=True),
    dict(alignment='shifted', strategy='region', per_image=True),
    dict(alignment='sub_patch', scale=0.5, per_image=True),
    dict(shuffle_patches=True),
    dict(shuffle_patches=True, scale=1, per_image=True),
]
NAMES = [', '.join(map(str, cfg.values())) or 'default' for cfg in VARIANTS]


def mixer_of(**cfg):
    cfg = dict(dict(scale=2, patch_size=4), **cfg)
    return BATCH_AUGMENTS.build(dict(type='mmmix.MaskMix', **cfg))


def draw(cfg, n=5, size=(16, 24), seed=0):
    mixer = mixer_of(**cfg)
    inputs = torch.rand(
        n,
        3,
        *size,
        dtype=torch.float64,
        generator=torch.Generator().manual_seed(seed))
    params = mixer.sample(np.random.default_rng(seed), n, size)
    return mixer, inputs, params


def mixed_by(cfg, **kwargs):
    mixer, inputs, params = draw(cfg, **kwargs)
    return mixer.mix(inputs, torch.eye(len(inputs)), params), inputs, params


def tau_of(n=1, seed=0, beta=1.):
    """The first numbers that a mixer with pairing 'flip' draws."""
    return np.random.default_rng(seed).beta(beta, beta, n)


def reference(mixer, inputs, params):
    """Images, pixel masks and lambdas (Eq. 7), one pixel after the other."""
    n, _, height, width = inputs.shape
    patch = mixer.patch_size
    mixed, mask = inputs.clone(), torch.zeros(n, height, width).double()
    down, right = params['offset']
    for i in range(n):
        source = inputs[params['source'][i]]
        k = i % len(params['cells'])  # all images may share one mask
        for y in range(height):
            for x in range(width):
                row, column = (y + down) // mixer.cell, (x +
                                                         right) // mixer.cell
                if not params['cells'][k, row, column]:
                    continue
                top, left = y // patch, x // patch
                if 'place' in params:
                    top, left = divmod(
                        int(params['place'][k, top, left]), width // patch)
                mask[i, y, x] = 1
                mixed[i, :, y, x] = source[:, top * patch + y % patch,
                                           left * patch + x % patch]
    return mixed, mask, mask.mean((1, 2))


@pytest.mark.parametrize('cfg', VARIANTS, ids=NAMES)
@pytest.mark.parametrize('n', [1, 2, 5])
@pytest.mark.parametrize('size', [(16, 24), (28, 20)])
def test_mix_pixel_by_pixel(cfg, n, size):
    mixer, inputs, params = draw(cfg, n, size, seed=n)
    before = inputs.clone()
    mixed = mixer.mix(inputs, torch.eye(n), params)
    expected, mask, lam = reference(mixer, inputs, params)
    assert torch.equal(mixed.inputs, expected)
    assert torch.equal(resize_mask(mixed.mask, size).double(), mask)
    torch.testing.assert_close(mixed.lam.double(), lam, atol=1e-6, rtol=0)
    assert mixed.mask.shape[0] == mixed.lam.shape[0] == n
    assert mixed.lam.dtype == mixed.mask.dtype == torch.float32
    assert mixed.kind == 'regions' and mixed.source_boxes is None
    assert torch.equal(inputs, before)
    # the same numbers give the same mix
    again = mixer.mix(inputs, torch.eye(n), params)
    assert torch.equal(again.inputs, mixed.inputs)


@pytest.mark.parametrize('size,cfg,grid', [
    ((224, 224), dict(scale=4, patch_size=16), (7, 7)),
    ((224, 224), dict(scale=4, patch_size=14), (4, 4)),
    ((48, 80), dict(scale=4, patch_size=8), (3, 5)),
])
def test_images_of_the_papers_size(size, cfg, grid):
    mixed, inputs, params = mixed_by(cfg, n=1, size=size, seed=3)
    expected, _, lam = reference(mixer_of(**cfg), inputs, params)
    assert torch.equal(mixed.inputs, expected)
    torch.testing.assert_close(mixed.lam.double(), lam, atol=1e-6, rtol=0)
    assert 0 < lam < 1
    assert mixed.mask.shape == (1, *grid)


def test_nothing_waits_for_a_value():
    # a tensor without values stands for one on a busy GPU
    for cfg in VARIANTS:
        mixer, inputs, params = draw(cfg)
        mixed = mixer.mix(inputs.to('meta'), torch.eye(5), params)
        assert mixed.inputs.is_meta and mixed.lam.is_meta
        assert mixed.inputs.shape == inputs.shape


@pytest.mark.parametrize('rounding,whole', [('floor', np.floor),
                                            ('ceil', np.ceil)])
@pytest.mark.parametrize('size,cells', [((16, 24), 6), ((28, 20), 12)])
def test_number_of_cells(rounding, whole, size, cells):
    for seed in range(20):
        *_, params = draw(
            dict(rounding=rounding, per_image=True), size=size, seed=seed)
        expected = whole(cells * tau_of(5, seed))
        assert params['cells'].sum((1, 2)).tolist() == expected.tolist()


def test_no_cell_leaves_the_image_unmixed():
    # of two cells floor(2 tau) is none or one, ceil(2 tau) one or both
    cfg = dict(scale=4, per_image=True)
    unmixed = tau_of(20) < 0.5
    assert 0 < unmixed.sum() < 20
    mixed, inputs, _ = mixed_by(cfg, n=20, size=(16, 32))
    np.testing.assert_allclose(mixed.lam, np.where(unmixed, 0, 0.5))
    assert torch.equal(mixed.inputs[unmixed], inputs[unmixed])
    mixed, *_ = mixed_by(dict(cfg, rounding='ceil'), n=20, size=(16, 32))
    np.testing.assert_allclose(mixed.lam, np.where(unmixed, 0.5, 1))


@pytest.mark.parametrize('beta', [0.5, 1., 2.])
def test_distribution_of_tau_and_of_the_cells(beta):
    *_, params = draw(
        dict(scale=1, beta=beta, per_image=True), n=4000, size=(64, 64))
    share = params['cells'].mean((1, 2)) + 0.5 / 256  # floor takes half a cell
    assert share.mean() == pytest.approx(0.5, abs=0.02)
    assert share.var() == pytest.approx(1 / (4 * (2 * beta + 1)), abs=0.006)
    often = params['cells'].mean(0)
    assert often.min() > 0.45 and often.max() < 0.55


def test_what_the_images_of_a_batch_share():
    *_, params = draw(dict())
    assert params['cells'].shape == (1, 2, 3)
    *_, params = draw(dict(mask_per_image=True, scale=1))
    cells = params['cells']
    assert len(set(cells.sum((1, 2)))) == 1 and (cells != cells[:1]).any()
    *_, params = draw(dict(per_image=True, scale=1))
    assert len(set(params['cells'].sum((1, 2)))) > 1


def test_pairing():
    *_, params = draw(dict())
    assert params['source'].tolist() == [4, 3, 2, 1, 0]
    sources = {
        tuple(draw(dict(pairing='shuffle'), seed=seed)[2]['source'])
        for seed in range(5)
    }
    assert len(sources) > 1
    assert all(sorted(source) == [0, 1, 2, 3, 4] for source in sources)


def test_lambda_by_area_or_by_count():
    for seed in range(10):
        by_area, by_count = (
            mixed_by(dict(lam=lam, per_image=True), size=(28, 20), seed=seed)
            for lam in ('area', 'count'))
        assert torch.equal(by_area[0].inputs, by_count[0].inputs)
        count = by_count[2]['cells'].sum((1, 2)) / 12
        np.testing.assert_allclose(by_count[0].lam, count, atol=1e-6)
    # they agree where cells divide the image
    by_area, by_count = (
        mixed_by(dict(lam=lam, per_image=True))[0].lam
        for lam in ('area', 'count'))
    assert torch.equal(by_area, by_count)


def borders(cells):
    """Number of neighbours that differ."""
    return (np.diff(cells.astype(int), axis=1) != 0).sum() + (np.diff(
        cells.astype(int), axis=2) != 0).sum()


@pytest.mark.parametrize('size', [(56, 56), (24, 56)])
def test_blocks(size):
    n = 400
    cfg = dict(scale=1, per_image=True)
    *_, params = draw(dict(cfg, strategy='block'), n, size)
    cells = params['cells']
    expected = np.floor(size[0] * size[1] / 16 * tau_of(n))
    count = cells.sum((1, 2))
    assert (count <= expected).all()
    # where few cells are left, the last rectangle may find no place
    few = expected < 0.6 * cells[0].size
    assert (count == expected)[few].mean() > 0.98
    assert count.sum() > 0.97 * expected.sum()
    # they hold together: random cells have several times as many borders
    *_, random = draw(cfg, n, size)
    assert borders(cells) < borders(random['cells']) / 2
    # the last row and column are as likely as the first
    often = cells.mean(0)
    assert often.min() > 0.08
    np.testing.assert_allclose(often[-1].mean(), often[0].mean(), atol=0.05)
    np.testing.assert_allclose(
        often[:, -1].mean(), often[:, 0].mean(), atol=0.05)


def test_a_region_is_cutmixs_box_on_the_grid():
    cfg = dict(scale=1, strategy='region', per_image=True)
    *_, params = draw(cfg, n=50, size=(32, 56))
    rng = np.random.default_rng(0)
    tau, centre = rng.beta(1, 1, 50), rng.random((50, 2))
    for mask, t, (y, x) in zip(params['cells'], tau, centre):
        for row in range(8):
            for column in range(14):
                # a cell belongs to the box if its centre does
                inside = (
                    abs((row + 0.5) / 8 - y) <= t**0.5 / 2
                    and abs((column + 0.5) / 14 - x) <= t**0.5 / 2)
                assert mask[row, column] == inside


def test_shifted_cells_leave_the_patch_grid():
    cfg = dict(alignment='shifted', patch_size=4, per_image=True)
    offsets = set()
    for seed in range(60):
        mixed, _, params = mixed_by(cfg, seed=seed)
        offsets.add(tuple(params['offset']))
        mask = resize_mask(mixed.mask, (16, 24))
        for axis in (1, 2):
            changes = mask.diff(dim=axis).nonzero()[:, axis] + 1
            assert (changes % 4 != 0).all()
    assert offsets == {(y, x) for y in (1, 2, 3) for x in (1, 2, 3)}


def test_shuffled_patches_are_those_of_the_source():
    cfg = dict(shuffle_patches=True, per_image=True)
    mixed, inputs, _ = mixed_by(cfg, seed=1)
    plain, *_ = mixed_by(dict(per_image=True), seed=1)
    moved = 0
    for i, mask in enumerate(resize_mask(mixed.mask, (4, 6)).bool()):

        def patches(images, i=i):
            split = images[i].unfold(1, 4, 4).unfold(2, 4, 4)
            return split.permute(1, 2, 0, 3, 4).flatten(2)

        ours, unshuffled = patches(mixed.inputs), patches(plain.inputs)
        assert torch.equal(ours[~mask], patches(inputs)[~mask])
        assert sorted(ours[mask].tolist()) == sorted(unshuffled[mask].tolist())
        moved += (ours[mask] != unshuffled[mask]).any(1).sum()
    assert moved > 0.5 * resize_mask(mixed.mask, (4, 6)).sum()


@pytest.mark.parametrize('shuffle', [True, False])
@pytest.mark.parametrize('per_image', [True, False])
def test_maps_are_mixed_as_the_images_are(shuffle, per_image):
    """Their means in each patch are maps, too."""
    cfg = dict(tau=0.6, mask_per_image=per_image, shuffle_patches=shuffle)
    mixed, inputs, _ = mixed_by(cfg, seed=1)

    def means(images):
        return resize_mask(images.flatten(0, 1), (4, 6)).view(5, 3, 4, 6)

    torch.testing.assert_close(
        mixed.mixed_maps(means(inputs)), means(mixed.inputs))
    # patches were taken from the pasted places, whatever their order
    assert torch.equal(mixed.source_mask((4, 6)), mixed.mask_on((4, 6)))
    assert torch.equal(mixed.hidden_mask((4, 6)), mixed.mask_on((4, 6)))
    if shuffle:
        own, other = mixed.moves.flatten(2).unbind(1)
        assert torch.equal(own, torch.arange(24).expand(5, -1))
        assert torch.equal(other.sort()[0], own)


@pytest.mark.parametrize('cfg,message', [
    (dict(scale=0), 'at least 1, not 0'),
    (dict(scale=1.5), 'at least 1, not 1.5'),
    (dict(scale=0.5), "alignment='sub_patch'"),
    (dict(scale=2, alignment='sub_patch'), 'between 0 and 1'),
    (dict(scale=0.3, alignment='sub_patch'), 'whole pixels'),
    (dict(patch_size=0), 'at least 1, not 0'),
    (dict(patch_size=1, alignment='shifted'), 'at least 2, not 1'),
    (dict(beta=0), '`beta` .* not 0'),
    (dict(beta=float('inf')), '`beta` .* not inf'),
    (dict(strategy='blocks'), "'random', 'block', 'region'.*not 'blocks'"),
    (dict(alignment='off'), "not 'off'"),
    (dict(rounding='round'), "not 'round'"),
    (dict(lam='mask'), "not 'mask'"),
    (dict(pairing='random'), "not 'random'"),
    (dict(shuffle_patches=True, alignment='shifted'), 'whole patches'),
])
def test_bad_hyper_parameters_are_refused(cfg, message):
    with pytest.raises(ValueError, match=message):
        mixer_of(**cfg)


def test_a_cell_that_covers_the_image_is_refused():
    with pytest.raises(ValueError, match='20 x 20 pixels .* 16 x 20 image'):
        draw(dict(scale=5), size=(16, 20))


def test_shuffling_patches_that_do_not_divide_the_image_is_refused():
    with pytest.raises(ValueError, match='18 x 24 pixels do not divide'):
        draw(dict(shuffle_patches=True), size=(18, 24))


def test_cells_fit_the_patches_of_the_backbone():

    def model_of(backbone):
        return SimpleNamespace(backbone=backbone)

    def vit(patch):
        return model_of(
            VisionTransformer(
                dict(
                    embed_dims=8,
                    num_layers=1,
                    num_heads=1,
                    feedforward_channels=8),
                img_size=2 * patch,
                patch_size=patch))

    mixer = mixer_of(scale=4, patch_size=16)
    for model in (model_of(ResNet(18)), model_of(nn.Identity()), vit(16),
                  vit(32)):
        mixer.check(model)
    with pytest.raises(ValueError, match='64 x 64 pixel cells .* not a mul'):
        mixer.check(vit(14))
    # unless misaligned cells are chosen
    mixer_of(alignment='shifted').check(vit(14))
    mixer_of(alignment='sub_patch', scale=0.5).check(vit(14))


def test_a_training_step_with_all_losses():
    augment = dict(type='mmmix.MaskMix', scale=2, patch_size=8)
    model = build(vit_config([augment], BOTH_LOSSES))
    losses, data = train_losses(model)
    assert set(losses) == {'loss_cls', 'loss_fine', 'loss_consistency'}
    assert all(loss.isfinite() for loss in losses.values())
    assert data['mixed'].mixer == 'MaskMix'
