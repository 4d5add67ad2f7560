"""Box sums and extreme boxes against a brute-force search."""
import itertools
import math

import pytest
import torch

from mmmix.functional import extreme_boxes, scale_boxes
from mmmix.functional.boxes import box_sums

GRIDS = [(4, 4), (3, 7), (8, 2)]


def brute_sums(attention, h, w):
    """Sums over every h x w box on one map, by loops in float64."""
    height, width = attention.shape
    return {
        (i, j):
        sum(
            float(attention[i + p, j + q]) for p in range(h) for q in range(w))
        for i in range(height - h + 1)
        for j in range(width - w + 1)
    }


@pytest.mark.parametrize('grid', GRIDS)
def test_every_box_has_its_sum(grid):
    attention = torch.rand(2, *grid)
    for h, w in itertools.product(range(grid[0] + 1), range(grid[1] + 1)):
        sums = box_sums(attention, torch.tensor([[h, w]] * 2))
        assert sums.shape == attention.shape
        for one, expected in zip(sums,
                                 map(lambda a: brute_sums(a, h, w),
                                     attention)):
            for (i, j) in itertools.product(*map(range, grid)):
                if (i, j) in expected:
                    assert one[i, j].item() == pytest.approx(expected[i, j])
                else:
                    assert one[i, j].isnan()


@pytest.mark.parametrize('mode,best', [('max', max), ('min', min)])
@pytest.mark.parametrize('grid', GRIDS)
def test_chosen_box_is_the_extreme_one(grid, mode, best):
    attention = torch.rand(6, *grid)
    for h, w in itertools.product(
            range(1, grid[0] + 1), range(1, grid[1] + 1)):
        boxes = extreme_boxes(attention, (h, w), mode)
        for one, (y1, x1, y2, x2) in zip(attention, boxes.tolist()):
            sums = brute_sums(one, h, w)
            assert (y2 - y1, x2 - x1) == (h, w)
            assert sums[y1, x1] == pytest.approx(best(sums.values()), abs=1e-6)


def test_boxes_of_different_sizes_match_those_found_one_by_one():
    attention = torch.rand(5, 6, 9)
    sizes = torch.tensor([[1, 1], [6, 9], [2, 5], [0, 3], [3, 0]])
    together = extreme_boxes(attention, sizes, 'max')
    alone = [
        extreme_boxes(one[None], tuple(size), 'max')
        for one, size in zip(attention, sizes.tolist())
    ]
    assert torch.equal(together, torch.cat(alone))


def test_box_of_no_cells_has_no_area():
    y1, x1, y2, x2 = extreme_boxes(torch.rand(1, 4, 4), (0, 2), 'min')[0]
    assert (y2 - y1) * (x2 - x1) == 0


@pytest.mark.parametrize(
    'dtype', [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_dtype(dtype):
    attention = torch.zeros(1, 3, 3, dtype=dtype)
    attention[0, 1:, 1:] = 1
    assert extreme_boxes(attention, (2, 2), 'max').tolist() == [[1, 1, 3, 3]]


@pytest.mark.parametrize(
    'sizes', [(5, 1), (1, 5),
              (-1, 2), torch.tensor([[1, 1], [5, 4]])])
def test_box_that_does_not_fit_is_refused(sizes):
    with pytest.raises(ValueError, match='does not fit the 4 x 4'):
        extreme_boxes(torch.rand(2, 4, 4), sizes, 'max')


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="'max' or 'min'"):
        extreme_boxes(torch.rand(1, 4, 4), (1, 1), 'median')
    with pytest.raises(ValueError, match=r'\(N, h, w\)'):
        extreme_boxes(torch.rand(4, 4), (1, 1), 'max')
    with pytest.raises(ValueError, match='one row for each image'):
        extreme_boxes(torch.rand(2, 4, 4), torch.ones(3, 2), 'max')


def test_scale_boxes():
    boxes = torch.tensor([[0, 1, 2, 3]])
    assert scale_boxes(boxes, (2, 4), (32, 32)).tolist() == [[0, 8, 32, 24]]


@pytest.mark.parametrize('cells,size', [(14, 32), (14, 64), (7, 5), (3, 96)])
def test_boxes_are_rounded_to_pixels_of_the_image(cells, size):
    """Next to where they are, and of one size wherever they are."""
    for side in range(cells + 1):
        corners = torch.arange(cells - side + 1)
        boxes = torch.stack([corners, corners, corners + side, corners + side],
                            1)
        found = scale_boxes(boxes, (cells, cells), (size, size))
        assert torch.equal(found[:, ::2], found[:, 1::2])
        assert (found >= 0).all() and (found <= size).all()
        pixels = found[:, 2] - found[:, 0]
        assert (pixels == math.floor(side * size / cells + 0.5)).all()
        assert (found[:, 0] - corners * size / cells).abs().max() <= 1
