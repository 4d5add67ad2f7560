"""Masks and their averages against loops over exact areas."""
from fractions import Fraction

import pytest
import torch

from mmmix.functional import (area_lambda, box_coverage, box_masks,
                              nearest_mask, resize_mask)


def test_box_masks_cell_by_cell():
    boxes = torch.tensor([[0, 0, 2, 3], [1, 1, 1, 4], [0, 2, 4, 5]])
    masks = box_masks(boxes, (4, 5))
    for mask, (y1, x1, y2, x2) in zip(masks, boxes.tolist()):
        for y in range(4):
            for x in range(5):
                inside = y1 <= y < y2 and x1 <= x < x2
                assert mask[y, x] == float(inside)


def overlap(old, new, i, k):
    """Share of new cell k that old cell i covers, as an exact fraction."""
    start = max(Fraction(i, old), Fraction(k, new))
    end = min(Fraction(i + 1, old), Fraction(k + 1, new))
    return max(end - start, 0) * new


@pytest.mark.parametrize('old,new', [((8, 8), (4, 4)), ((4, 6), (8, 12)),
                                     ((14, 14), (7, 7)), ((7, 5), (3, 4)),
                                     ((4, 4), (6, 5)), ((8, 8), (1, 1)),
                                     ((1, 1), (5, 3))])
def test_resized_mask_is_the_exact_mean_over_each_cell(old, new):
    mask = torch.rand(2, *old, dtype=torch.float64)
    resized = resize_mask(mask, new)
    assert resized.shape == (2, *new)
    for n in range(2):
        for k in range(new[0]):
            for m in range(new[1]):
                expected = sum(
                    float(
                        overlap(old[0], new[0], i, k) *
                        overlap(old[1], new[1], j, m)) * mask[n, i, j].item()
                    for i in range(old[0]) for j in range(old[1]))
                assert resized[n, k, m].item() == pytest.approx(expected)
    # and the area is preserved
    torch.testing.assert_close(area_lambda(resized), area_lambda(mask))


def test_area_is_the_share_of_the_image():
    boxes = torch.tensor([[0, 0, 2, 3], [0, 0, 0, 5], [0, 0, 4, 5]])
    area = area_lambda(box_masks(boxes, (4, 5)))
    torch.testing.assert_close(area, torch.tensor([6 / 20, 0., 1.]))


@pytest.mark.parametrize('old,new', [((8, 12), (4, 3)), ((7, 5), (3, 4)),
                                     ((4, 4), (8, 12)), ((1, 1), (2, 3))])
def test_nearest_mask_takes_one_location_of_each_cell(old, new):
    mask = torch.rand(2, *old)
    nearest = nearest_mask(mask, new)
    assert nearest.shape == (2, *new)
    for k in range(new[0]):
        for m in range(new[1]):
            place = (k * old[0] // new[0], m * old[1] // new[1])
            assert torch.equal(nearest[:, k, m], mask[:, place[0], place[1]])


def test_nearest_and_averaged_masks_differ_on_the_border_alone():
    """A mask that follows the cells is the same either way."""
    aligned = box_masks(torch.tensor([[2, 4, 6, 8]]), (8, 12))
    assert torch.equal(
        nearest_mask(aligned, (4, 3)), resize_mask(aligned, (4, 3)))
    askew = box_masks(torch.tensor([[1, 3, 6, 8]]), (8, 12))
    differ = nearest_mask(askew, (4, 3)) != resize_mask(askew, (4, 3))
    assert differ[0].tolist() == [[True, True, False], [True, False, False],
                                  [True, False, False], [False] * 3]


@pytest.mark.parametrize('size,grid', [((8, 12), (4, 3)), ((10, 7), (4, 3)),
                                       ((5, 6), (5, 6)), ((4, 6), (7, 5)),
                                       ((9, 9), (1, 1))])
def test_box_coverage_by_counting_fine_pixels(size, grid):
    """Each pixel is divided into as many as there are cells, so that every
    cell border lies between two of them."""
    boxes = torch.tensor([[0, 0, *size], [1, 2, 4, 6], [0, 3, 3, 4],
                          [2, 2, 2, 5], [3, 1, 4, 2]])
    coverage = box_coverage(boxes, size, grid)
    assert coverage.dtype == torch.float32
    for covered, (y1, x1, y2, x2) in zip(coverage, boxes.tolist()):
        for k in range(grid[0]):
            rows = sum(y1 * grid[0] <= y < y2 * grid[0]
                       for y in range(k * size[0], (k + 1) * size[0]))
            for m in range(grid[1]):
                columns = sum(x1 * grid[1] <= x < x2 * grid[1]
                              for x in range(m * size[1], (m + 1) * size[1]))
                assert covered[k, m].item() == pytest.approx(
                    rows * columns / (size[0] * size[1]), abs=1e-6)
    # it is the averaged mask of the box
    torch.testing.assert_close(coverage,
                               resize_mask(box_masks(boxes, size), grid))
