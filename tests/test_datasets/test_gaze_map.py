import math

import pytest
import torch

from mmmix.datasets.gaze_map import gaze_map


def test_gaze_map_against_loops():
    points = torch.tensor([[2.5, 1.], [8., 4.25]], dtype=torch.float64)
    weights = torch.tensor([3., 1.], dtype=torch.float64)
    got = gaze_map(points, weights, (5, 9), 1.5)
    for y in range(5):
        for x in range(9):
            value = 0
            for (px, py), weight in zip(points.tolist(), weights.tolist()):
                distance = (x + .5 - px)**2 + (y + .5 - py)**2
                value += weight * math.exp(
                    -distance / (2 * 1.5**2)) / (2 * math.pi * 1.5**2)
            assert got[y, x].item() == pytest.approx(value, abs=1e-6)


def test_gaze_map_keeps_its_mass_and_place():
    values = gaze_map(
        torch.tensor([[30.5, 10.5]]), torch.tensor([7.]), (40, 60), 2.)
    assert values.sum().item() == pytest.approx(7, rel=1e-4)
    assert divmod(int(values.argmax()), 60) == (10, 30)
    empty = gaze_map(torch.empty(0, 2), torch.empty(0), (3, 4), 1.)
    assert empty.shape == (3, 4) and not empty.any()
    with pytest.raises(ValueError, match='positive number of pixels'):
        gaze_map(torch.empty(0, 2), torch.empty(0), (3, 4), 0)
