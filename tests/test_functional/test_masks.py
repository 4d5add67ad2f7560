"""Masks and their averages against loops over exact areas."""
from fractions import Fraction

import pytest
import torch

from mmmix.functional import area_lambda, box_masks, resize_mask


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


@pytest.mark.parametrize('old,new', [
    ((8, 8), (4, 4)), ((4, 6), (8, 12)), ((14, 14), (7, 7)),
    ((7, 5), (3, 4)), ((4, 4), (6, 5)), ((8, 8), (1, 1)), ((1, 1), (5, 3))])
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
    # and the area stays
    torch.testing.assert_close(area_lambda(resized), area_lambda(mask))


def test_area_is_the_share_of_the_image():
    boxes = torch.tensor([[0, 0, 2, 3], [0, 0, 0, 5], [0, 0, 4, 5]])
    area = area_lambda(box_masks(boxes, (4, 5)))
    torch.testing.assert_close(area, torch.tensor([6 / 20, 0., 1.]))
