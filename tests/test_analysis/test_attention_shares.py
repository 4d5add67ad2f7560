"""Shares of the attention, worked out by hand."""
import math

import numpy as np
import pytest
import torch

from mmmix.analysis.attention_shares import mean_shares, pasted_shares
from mmmix.structures import MixedBatch


def mixed(mask):
    n = len(mask)
    return MixedBatch(
        inputs=torch.zeros(n, 3, 4, 8),
        labels=torch.eye(n),
        source=torch.arange(n).flip(0),
        lam=mask.mean((1, 2)),
        mask=mask,
        kind='regions')


LEFT = torch.tensor([[1., 0.], [1., 0.]])  # of a 4 x 8 image


def test_by_hand_on_a_finer_grid():
    """Three images on a grid of 2 x 4: the left half is pasted."""
    maps = torch.tensor([
        [[3., 1., 0., 0.], [0., 0., 4., 0.]],  # half of the mass
        [[0., 0., 0., 0.], [0., 0., 0., .5]],  # none
        [[1., 1., 1., 1.], [1., 1., 1., 1.]]
    ])  # without aim
    area, attention = pasted_shares(maps, mixed(LEFT.expand(3, 2, 2)))
    assert area.tolist() == [.5] * 3
    assert attention.tolist() == [.5, 0, .5]
    found = mean_shares(area.numpy(), attention.numpy(), np.zeros(3))
    assert found['pairs'] == 3 and found['area'] == 50
    assert found['attention'] == pytest.approx(100 / 3)
    assert found['excess'] == pytest.approx(-100 / 6)
    assert found['pasted'] == pytest.approx(2 / 3)
    assert found['visible'] == pytest.approx(4 / 3)
    assert math.isnan(found['error'])  # of one batch


def test_a_region_that_cuts_a_cell_counts_by_its_area():
    quarter = torch.zeros(1, 4, 8)
    quarter[:, :, :1] = 1  # half of a map's first column
    area, attention = pasted_shares(
        torch.tensor([[[1., 0., 0., 3.], [1., 0., 0., 3.]]]), mixed(quarter))
    assert area.tolist() == [1 / 8]
    assert attention.tolist() == [pytest.approx(1 / 8)]
    found = mean_shares(area.numpy(), attention.numpy(), np.zeros(1))
    assert found['pasted'] == pytest.approx(1)


def test_pairs_without_two_parts_or_mass_are_counted_apart():
    masks = torch.stack((LEFT, 0 * LEFT, 0 * LEFT + 1, LEFT))
    maps = torch.ones(4, 2, 2)
    maps[3] = 0
    area, attention = (s.numpy() for s in pasted_shares(maps, mixed(masks)))
    found = mean_shares(area, attention, np.zeros(4))
    assert (found['one_part'], found['no_mass']) == (2, 1)
    assert found['pairs'] == 1 and found['area'] == 50
    found = mean_shares(area[3:], attention[3:], np.zeros(1))
    assert found['pairs'] == 0 and math.isnan(found['pasted'])


def test_a_batch_is_the_unit_of_the_error():
    """Means 1/4 and 3/4 of two batches of two: sqrt(2/1 * (1/2)^2 * 2) / 4."""
    maps = torch.tensor([[[3., 1.]], [[3., 1.]], [[1., 3.]], [[1., 3.]]])
    area, attention = pasted_shares(maps, mixed(LEFT.expand(4, 2, 2)))
    assert attention.tolist() == [.75, .75, .25, .25]
    found = mean_shares(area.numpy(), attention.numpy(), np.arange(4) // 2)
    assert found['excess'] == pytest.approx(0)
    assert found['error'] == pytest.approx(25)
