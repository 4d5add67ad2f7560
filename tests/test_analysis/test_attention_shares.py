"""Shares of the attention, worked out by hand."""
import math

import pytest
import torch

from mmmix.analysis.attention_shares import AttentionShares
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
    shares = AttentionShares()
    shares.add(maps, mixed(LEFT.expand(3, 2, 2)))
    assert shares.area == [.5] * 3
    assert shares.attention == [.5, 0, .5]
    found = shares.summary()
    assert found['pairs'] == 3 and found['area'] == 50
    assert found['attention'] == pytest.approx(100 / 3)
    assert found['excess'] == pytest.approx(-100 / 6)
    assert found['pasted'] == pytest.approx(2 / 3)
    assert found['visible'] == pytest.approx(4 / 3)
    assert math.isnan(found['error'])  # of one batch


def test_a_region_that_cuts_a_cell_counts_by_its_area():
    quarter = torch.zeros(1, 4, 8)
    quarter[:, :, :1] = 1  # half of a map's first column
    shares = AttentionShares()
    shares.add(
        torch.tensor([[[1., 0., 0., 3.], [1., 0., 0., 3.]]]), mixed(quarter))
    assert shares.area == [1 / 8]
    assert shares.attention == [pytest.approx(1 / 8)]
    assert shares.summary()['pasted'] == pytest.approx(1)


def test_pairs_without_two_parts_or_mass_are_counted_apart():
    masks = torch.stack((LEFT, 0 * LEFT, 0 * LEFT + 1, LEFT, LEFT))
    maps = torch.ones(5, 2, 2)
    maps[3] = 0
    shares = AttentionShares()
    shares.add(maps, mixed(masks), torch.tensor([True] * 4 + [False]))
    assert (shares.one_part, shares.no_mass) == (2, 1)
    assert shares.summary()['pairs'] == 1 and shares.area == [.5]
    nothing = AttentionShares()
    nothing.add(maps[3:4], mixed(masks[3:4]))
    found = nothing.summary()
    assert found['pairs'] == 0 and math.isnan(found['pasted'])


def test_a_batch_is_the_unit_of_the_error():
    """Means 1/4 and 3/4 of two batches of two: sqrt(2/1 * (1/2)^2 * 2) / 4."""
    shares = AttentionShares()
    for batch, (left, right) in enumerate(((3., 1.), (1., 3.))):
        maps = torch.tensor([[[left, right]]]).expand(2, 1, 2)
        shares.add(maps, mixed(LEFT.expand(2, 2, 2)), batch=batch)
    assert shares.attention == [.75, .75, .25, .25]
    assert shares.summary()['excess'] == pytest.approx(0)
    assert shares.summary()['error'] == pytest.approx(25)
