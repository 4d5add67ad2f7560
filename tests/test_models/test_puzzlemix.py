"""PuzzleMix: by enumeration and loops, in training, and what goes with it."""
import itertools
import sys

import numpy as np
import pytest
import torch
from helpers import batch, build, cnn_config, train_losses, vit_config

from mmmix.analysis import shown_lambda
from mmmix.functional import (area_attention_lambda, border_differences,
                              cell_shares, puzzle_costs, resize_mask,
                              transport_cells)
from mmmix.models import AreaAttentionLabel, PuzzleMix
from mmmix.structures import Guidance

PUZZLE = dict(type='mmmix.PuzzleMix', grids=(2, 4))


def draw(n, size, grid, lam=.4, seed=0):
    """Images, saliency that differs by cell, and what `sample` returns."""
    torch.manual_seed(seed)
    images = torch.rand(n, 3, *size)
    saliency = torch.rand(
        n, *size) * torch.rand(n, *grid).pow(4).repeat_interleave(
            size[0] // grid[0], 1).repeat_interleave(size[1] // grid[1], 2)
    source = np.roll(np.arange(n), 1)
    return images, saliency, dict(source=source, grid=grid, lam=lam)


def mix(mixer, images, saliency, params):
    return mixer.mix(images, torch.eye(len(images)), params,
                     Guidance(saliency=saliency))


def blocks(image, grid):
    """Cells of an image ``(C, H, W)`` by their place."""
    return [
        cell for row in image.chunk(grid[0], 1)
        for cell in row.chunk(grid[1], 2)
    ]


@pytest.mark.parametrize('transport', [True, False])
@pytest.mark.parametrize('levels,size', [(3, (16, 16)), (2, (16, 16)),
                                         (2, (8, 12))])
def test_it_is_the_best_of_all_masks(levels, size, transport):
    grid = size[0] // (min(size) // 2), size[1] // (min(size) // 2)
    images, saliency, params = draw(5, size, grid)
    mixer = PuzzleMix(levels=levels, transport=transport, xi=.05)
    mixed = mix(mixer, images, saliency, params)
    source = torch.from_numpy(params['source'])
    shares = cell_shares(saliency, grid)
    costs = puzzle_costs(shares, source,
                         border_differences(images, source, grid),
                         params['lam'], levels, 1.2, .5, .2)
    for i, (unary, down, right) in enumerate(zip(*costs)):

        def energy(flat, unary=unary, down=down, right=right):
            labels = torch.tensor(flat).view(grid)
            z = labels / (levels - 1)
            return (unary.gather(2, labels[..., None]).sum() +
                    (down * z.diff(dim=0)**2).sum() +
                    (right * z.diff(dim=1)**2).sum()).item()

        found = (mixed.mask[i] * (levels - 1)).long().flatten().tolist()
        assert energy(found) == pytest.approx(
            min(
                energy(flat) for flat in itertools.product(
                    range(levels), repeat=len(found))),
            abs=1e-6)
        assert mixed.lam[i] == sum(found) / len(found) / (levels - 1)
        # the image, cell by cell
        own, other = blocks(images[i], grid), blocks(images[source[i]], grid)
        cells = [range(len(own))] * 2
        if transport:
            shown = torch.stack([mixed.mask[i] < 1, mixed.mask[i] > 0])
            cells = transport_cells(shares[[i, int(source[i])]], shown,
                                    .05).flatten(1)
            assert torch.equal(mixed.moves[i].flatten(1), cells)
        for place, (found, weight) in enumerate(
                zip(blocks(mixed.inputs[i], grid), mixed.mask[i].flatten())):
            torch.testing.assert_close(found,
                                       (1 - weight) * own[cells[0][place]] +
                                       weight * other[cells[1][place]])
    assert transport or mixed.moves is None


def test_cells_that_move_may_be_smaller_than_those_of_the_mask():
    images, saliency, params = draw(3, (32, 32), (2, 2))
    mixer = PuzzleMix(transport_size=4, xi=.05)
    mixed = mix(mixer, images, saliency, params)
    assert mixed.mask.shape == (3, 2, 2)
    assert mixed.moves.shape == (3, 2, 8, 8)
    fine = mixed.mask_on((8, 8))
    assert torch.equal(
        mixed.moves[:, 1],
        transport_cells(
            cell_shares(saliency, (8, 8))[params['source']], fine > 0, .05))
    # and never larger
    params['grid'] = (16, 16)
    assert mix(mixer, images, saliency, params).moves.shape[-1] == 16


def test_what_moved_is_found_in_the_images_it_came_from():
    """The masks of both images, by loops; what the label rule makes of
    them."""
    images, saliency, params = draw(4, (16, 16), (4, 4))
    saliency[:, :8] *= 10  # all are salient in their upper half
    mixer = PuzzleMix(xi=.001, beta=0., eta=0.)
    mixed = mix(mixer, images, saliency, params)
    assert not torch.equal(mixed.source_mask((4, 4)), mixed.mask)
    assert not torch.equal(mixed.hidden_mask((4, 4)), mixed.mask)
    shown, hidden = torch.zeros(2, 4, 16)
    for i, place in itertools.product(range(4), range(16)):
        own, other = mixed.moves[i].flatten(1)[:, place]
        weight = mixed.mask[i].flatten()[place]
        hidden[i, own] += weight
        shown[i, other] += weight
    shown, hidden = shown.view(4, 4, 4), hidden.view(4, 4, 4)
    assert torch.equal(mixed.source_mask((4, 4)), shown)
    assert torch.equal(mixed.hidden_mask((4, 4)), hidden)
    torch.testing.assert_close(
        mixed.hidden_mask((2, 2)),
        hidden.view(4, 2, 2, 2, 2).mean((2, 4)))
    # without moves, or with boxes, nothing is new
    mixed.moves = None
    assert torch.equal(mixed.hidden_mask((8, 8)), mixed.mask_on((8, 8)))
    mixed = mix(mixer, images, saliency, params)
    maps = torch.rand(4, 4, 4)
    expected = area_attention_lambda(maps[mixed.source], shown, maps,
                                     1 - hidden)
    rule = AreaAttentionLabel(beta=0.)
    torch.testing.assert_close(
        rule(torch.zeros(4, 4), mixed, Guidance(maps)), expected)
    torch.testing.assert_close(
        shown_lambda(maps, mixed, normalize=False), expected)


@pytest.mark.parametrize('grid', [(16, 16), (4, 4), (2, 2), (3, 5)])
def test_maps_move_along(grid):
    """The images are maps, too: their means in each cell."""
    images, saliency, params = draw(4, (16, 16), (4, 4))
    saliency[:, :8] *= 10
    mixed = mix(PuzzleMix(xi=.001, beta=0., eta=0.), images, saliency, params)
    assert not torch.equal(mixed.moves[:, 1], mixed.moves[:1, 1].sort()[0])

    def on(maps, size):
        return resize_mask(maps.flatten(0, 1), size).view(4, 3, *size)

    maps = on(images, grid)
    expected = images.new_zeros(4, 3, 16)
    cells = on(maps, (4, 4)).flatten(2)
    for i, place in itertools.product(range(4), range(16)):
        own, other = mixed.moves[i].flatten(1)[:, place]
        weight = mixed.mask[i].flatten()[place]
        expected[i, :, place] = (1 - weight) * cells[i, :, own] \
            + weight * cells[mixed.source[i], :, other]
    expected = on(expected.view(4, 3, 4, 4), grid)
    torch.testing.assert_close(mixed.mixed_maps(maps), expected)
    if grid == (4, 4):
        torch.testing.assert_close(expected, on(mixed.inputs, grid))


def test_what_is_drawn():
    mixer, rng = PuzzleMix(grids=(2, 4, 8)), np.random.default_rng(0)
    drawn = [mixer.sample(rng, 7, (32, 48)) for _ in range(300)]
    assert {d['grid'] for d in drawn} == {(2, 3), (4, 6), (8, 12)}
    lams = np.array([d['lam'] for d in drawn])
    assert .45 < lams.mean() < .55 and .2 < lams.std() < .35  # uniform
    assert all(sorted(d['source']) == [*range(7)] for d in drawn)
    # of large images in a step
    mean = mix(PuzzleMix(grids=(4, )), *draw(40, (32, 32), (4, 4),
                                             lam=.8)).lam.mean()
    assert .6 < mean < .9


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_other_dtypes(dtype):
    images, saliency, params = draw(3, (16, 16), (4, 4))
    mixed = mix(PuzzleMix(), images.to(dtype), saliency, params)
    assert mixed.inputs.dtype == dtype
    assert mixed.lam.dtype == mixed.mask.dtype == torch.float32
    exact = mix(PuzzleMix(), images.to(dtype).float(), saliency, params)
    assert torch.equal(mixed.mask, exact.mask)
    torch.testing.assert_close(
        mixed.inputs.float(), exact.inputs, rtol=0, atol=.02)


def test_images_without_a_gradient():
    """As of a network that is certain of all labels."""
    images, saliency, params = draw(3, (16, 16), (4, 4))
    mixed = mix(PuzzleMix(), images, 0 * saliency, params)
    assert mixed.inputs.isfinite().all()
    assert torch.equal(mixed.moves[0, 0], torch.arange(16).view(4, 4))


STD = [58.4, 57.1, 57.4]


def test_pixels_are_compared_at_the_scale_of_the_preprocessor():
    model = build(
        cnn_config([PUZZLE], data_preprocessor=dict(mean=[120.] * 3, std=STD)))
    mixer, = model.data_preprocessor.batch_augments.augments
    assert mixer.std.tolist() == pytest.approx(STD)
    images, saliency, params = draw(3, (32, 32), (4, 4))
    normalised = (255 * images - 120) / torch.tensor(STD).view(3, 1, 1)
    expected = mix(PuzzleMix(gamma=1.), images, saliency, params)
    mixer.gamma = 1.
    found = mix(mixer, normalised, saliency, params)
    assert torch.equal(found.mask, expected.mask)
    # without normalisation images are of 0..255
    mixer, = build(cnn_config([PUZZLE
                               ])).data_preprocessor.batch_augments.augments
    assert mixer.std.tolist() == [1.]
    given = build(cnn_config([dict(PUZZLE, std=[1., 2., 3.])]))
    mixer, = given.data_preprocessor.batch_augments.augments
    assert mixer.std == [1., 2., 3.]


LOSSES = dict(
    consistency=dict(type='mmmix.ConsistencyLoss', batches='mixed'),
    unmixed=dict(type='mmmix.UnmixedLoss'))


@pytest.mark.parametrize('n,size', [(5, (32, 32)), (1, (32, 32)),
                                    (3, (32, 48))])
@pytest.mark.parametrize('cfg', [vit_config, cnn_config])
def test_a_training_step(cfg, n, size):
    rule = dict(type='mmmix.AreaAttentionLabel')
    model = build(
        cfg([dict(PUZZLE, levels=2)],
            dict(
                LOSSES,
                **(dict(fine=dict(type='mmmix.FineGrainedLoss'))
                   if cfg is vit_config else {})),
            img_size=size,
            head=dict(label_rule=rule)))
    losses, step = train_losses(model, batch(n, size))
    assert losses.keys() - {'loss_fine'} == {
        'loss_cls', 'loss_consistency', 'loss_unmixed'
    }
    assert step['guidance'].saliency.shape == (n, *size)
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_three_levels_have_no_regions_but_a_mask():
    build(
        vit_config([PUZZLE],
                   head=dict(label_rule=dict(type='mmmix.TransMixLabel'))))
    with pytest.raises(ValueError, match='FineGrainedLoss.*applies to none'):
        build(
            vit_config([PUZZLE],
                       dict(fine=dict(type='mmmix.FineGrainedLoss'))))


@pytest.mark.parametrize('options,message', [
    (dict(grids=()), '`grids`.*at least 2'),
    (dict(grids=(1, 2)), r'at least 2, not \(1, 2\)'),
    (dict(grids=2.5), 'not 2.5'),
    (dict(levels=1), '`levels` .* at least 2, not 1'),
    (dict(levels=2.5), '`levels` .* not 2.5'),
    (dict(beta=-1), '`beta` .* at least 0, not -1'),
    (dict(xi=float('inf')), '`xi`'),
    (dict(neighbourhood=0), '`neighbourhood`'),
    (dict(transport_size=0), '`transport_size`'),
    (dict(alpha=0), '`alpha`'),
    (dict(pairing='none'), '`pairing`'),
])
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        PuzzleMix(**options)


def test_a_model_without_scipy_is_not_built(monkeypatch):
    monkeypatch.setitem(sys.modules, 'scipy.sparse', None)
    with pytest.raises(ModuleNotFoundError, match='pip install scipy'):
        build(cnn_config([PUZZLE]))


def test_images_that_do_not_divide_are_refused():
    rng = np.random.default_rng(0)
    for mixer, size, message in (
        (PuzzleMix(), (36, 36), '36 x 36 pixels do not divide.*8 along'),
        (PuzzleMix(grids=(2, )), (32, 40), '32 x 40 .*2 along'),
        (PuzzleMix(grids=(2, 8), transport_size=6), (32, 32),
         'Cells of 16 pixels, 2 x 2.* 32 x 32 .*`transport_size` 6')):
        for _ in range(3):  # whichever grid would be drawn
            with pytest.raises(ValueError, match=message):
                mixer.sample(rng, 2, size)
    with pytest.raises(ValueError, match='`guidance.saliency` is missing'):
        images, _, params = draw(2, (16, 16), (4, 4))
        PuzzleMix().mix(images, torch.eye(2), params, Guidance())
    with pytest.raises(ValueError, match='requires saliency from a guide'):
        PuzzleMix()(images, torch.eye(2))
