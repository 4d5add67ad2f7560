"""Position tables for another window."""
import math

import pytest
import torch

from mmmix.checkpoint.positions import resize_relative_positions


def cubic(distance, a=-0.75):
    """Weight of a neighbour at a distance: Keys' kernel, torch's slope."""
    d = abs(distance)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.


def resized(table, source, window):
    """Offset by offset, in float64; the border goes on for ever."""
    rows, columns = (2 * side - 1 for side in source)
    values = []
    for y in range(2 * window[0] - 1):
        for x in range(2 * window[1] - 1):
            cy = (y + .5) * rows / (2 * window[0] - 1) - .5
            cx = (x + .5) * columns / (2 * window[1] - 1) - .5
            value = torch.zeros(table.shape[1], dtype=torch.float64)
            for i in range(math.floor(cy) - 1, math.floor(cy) + 3):
                for j in range(math.floor(cx) - 1, math.floor(cx) + 3):
                    at = (
                        min(max(i, 0), rows - 1) * columns +
                        min(max(j, 0), columns - 1))
                    value += cubic(cy - i) * cubic(cx - j) * table[at].double()
            values.append(value)
    return torch.stack(values)


@pytest.mark.parametrize('source, window', [
    ((2, 2), (4, 4)),
    ((7, 7), (4, 4)),
    ((2, 3), (3, 5)),
])
def test_is_bicubic(source, window):
    table = torch.randn((2 * source[0] - 1) * (2 * source[1] - 1), 3)
    got = resize_relative_positions(table, source, window)
    torch.testing.assert_close(
        got.double(), resized(table, source, window), atol=1e-5, rtol=1e-5)


def test_offset_zero_stays_in_the_middle():
    """A table that knows up from down, and left from right."""
    y, x = torch.meshgrid(
        torch.arange(-3., 4), torch.arange(-3., 4), indexing='ij')
    table = torch.stack((y.flatten(), x.flatten()), 1)
    got = resize_relative_positions(table, (4, 4), (6, 6)).view(11, 11, 2)
    torch.testing.assert_close(got[5, 5], torch.zeros(2))
    torch.testing.assert_close(got, -got.flip(0, 1))
    assert (got[1:, 5, 0] > got[:-1, 5, 0]).all()
    assert (got[5, 1:, 1] > got[5, :-1, 1]).all()


def test_the_same_window_changes_nothing():
    table = torch.randn(9, 2, dtype=torch.float16)
    assert resize_relative_positions(table, (2, 2), (2, 2)) is table
    assert resize_relative_positions(table, (2, 2),
                                     (3, 3)).dtype == torch.float16


@pytest.mark.parametrize('shape', [(8, 2), (9, )])
def test_refuses_the_table_of_another_window(shape):
    with pytest.raises(ValueError, match='2 x 2 has 3 x 3 offsets'):
        resize_relative_positions(torch.zeros(shape), (2, 2), (3, 3))
