"""Masks of SmoothMix, GridMixup and SaliencyMix, against loops."""
import math

import pytest
import torch

from mmmix.functional import (boxes_at_maximum, gaussian_masks, lattice_masks,
                              paste_soft)


@pytest.mark.parametrize('shape', ['circle', 'square'])
@pytest.mark.parametrize('grid', [(5, 5), (3, 7)])
def test_gaussian_masks_by_loops(shape, grid):
    centre = torch.tensor([[1, 2], [0, 0], [2, 4]])
    sigma = torch.tensor([0.5, 2., 7.])
    masks = gaussian_masks(centre, sigma, grid, shape)
    assert masks.shape == (3, *grid)
    for mask, (cy, cx), s in zip(masks, centre.tolist(), sigma.tolist()):
        for y in range(grid[0]):
            for x in range(grid[1]):
                distance = math.hypot(y - cy, x - cx) if shape == 'circle' \
                    else max(abs(y - cy), abs(x - cx))
                assert mask[y, x].item() == pytest.approx(
                    math.exp(-distance**2 / (2 * s**2)), abs=1e-6)


@pytest.mark.parametrize('shape,share', [('circle', 2 * math.pi),
                                         ('square', 8)])
def test_share_of_a_small_gaussian(shape, share):
    """The integral over the plane: 2 pi sigma^2, or 8 sigma^2."""
    mask = gaussian_masks(
        torch.tensor([[60, 40]]), torch.tensor([6.]), (121, 81), shape)
    assert mask.sum().item() == pytest.approx(share * 36, rel=3e-3)


@pytest.mark.parametrize('shape', ['circle', 'square'])
def test_a_wide_gaussian_is_everywhere(shape):
    mask = gaussian_masks(
        torch.tensor([[0, 0]]), torch.tensor([1e6]), (20, 30), shape)
    assert (mask == 1).all()


def lattice(box, cell, hole, size, wrap_around):
    """The holes one by one."""
    (y1, x1, y2, x2), (height, width) = box, size
    mask = torch.zeros(height, width, dtype=torch.bool)
    for top in range(y1, y2, cell[0]):
        for left in range(x1, x2, cell[1]):
            bottom = min(top + hole[0], y2)
            right = min(left + hole[1], x2)
            if wrap_around:  # as Python reads negative numbers
                mask[top:bottom, left:right] = True
            else:
                mask[max(top, 0):max(bottom, 0),
                     max(left, 0):max(right, 0)] = True
    return mask


@pytest.mark.parametrize('wrap_around', [False, True])
@pytest.mark.parametrize('box', [(0, 0, 12, 10), (2, 3, 9, 10), (-3, 1, 14, 9),
                                 (-4, -5, 15, 13), (-30, 2, 40, 7)])
@pytest.mark.parametrize('cell,hole', [((3, 3), (1, 2)), ((2, 5), (1, 4)),
                                       ((7, 4), (6, 1)), ((25, 20), (24, 19))])
def test_lattice_by_loops(box, cell, hole, wrap_around):
    mask = lattice_masks(box, cell, hole, (12, 10), wrap_around)
    assert torch.equal(mask, lattice(box, cell, hole, (12, 10), wrap_around))


def test_boxes_at_the_maximum_by_loops():
    size = (48, 40)
    for grid in ((6, 5), (48, 40), (7, 9)):
        attention = torch.randint(0, 6, (5, *grid)).float()  # with ties
        half = torch.randint(0, 25, (5, 2))
        boxes = boxes_at_maximum(attention, half, size)
        for box, one, (h, w) in zip(boxes.tolist(), attention, half.tolist()):
            best = max(one.flatten().tolist())
            y, x = next((y, x) for y in range(grid[0]) for x in range(grid[1])
                        if one[y, x] == best)
            cy = math.floor((y + .5) * size[0] / grid[0])
            cx = math.floor((x + .5) * size[1] / grid[1])
            assert box == [
                max(cy - h, 0),
                max(cx - w, 0),
                min(cy + h, size[0]),
                min(cx + w, size[1])
            ]
        shared = boxes_at_maximum(attention, half[:1], size)
        assert shared.tolist() == boxes_at_maximum(attention,
                                                   half[:1].expand(5, 2),
                                                   size).tolist()


@pytest.mark.parametrize(
    'dtype', [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize('n', [1, 4])
def test_soft_paste_by_loops(n, dtype):
    inputs = torch.rand(n, 3, 5, 6).to(dtype)
    before = inputs.clone()
    source, mask = torch.randperm(n), torch.rand(n, 5, 6)
    mask[0, 0, :2] = torch.tensor([0., 1.])
    mixed = paste_soft(inputs, source, mask)
    assert mixed.dtype == dtype and torch.equal(inputs, before)
    for i in range(n):
        for y in range(5):
            for x in range(6):
                w = mask[i, y, x].double()
                expected = w * inputs[source[i], :, y, x].double() + (
                    1 - w) * inputs[i, :, y, x].double()
                torch.testing.assert_close(
                    mixed[i, :, y, x].double(),
                    expected,
                    rtol=0,
                    atol=4 * torch.finfo(dtype).eps)
    assert torch.equal(mixed[0, :, 0, 0], inputs[0, :, 0, 0])
    assert torch.equal(mixed[0, :, 0, 1], inputs[source[0], :, 0, 1])


def test_bad_shapes():
    with pytest.raises(ValueError, match=r'shape \(2, 4, 4\)'):
        paste_soft(
            torch.rand(2, 3, 4, 4), torch.tensor([1, 0]), torch.rand(2, 2, 2))
