"""What mixers share that cut images into square cells."""
from typing import Sequence, Tuple

import numpy as np

from mmmix.errors import MmmixError


def square_cells(n: int, image_size: Sequence[int]) -> Tuple[int, int]:
    """Rows and columns of square cells, n along an image's shorter side.

    Raises:
        MmmixError: If the image does not divide into them.
    """
    shorter = min(image_size)
    if shorter % n or max(image_size) % (shorter // n):
        raise MmmixError(
            'Images of {} x {} pixels do not divide into square cells, {} '
            'along the shorter side: choose other `grids`, or resize or crop '
            'the images.'.format(*image_size, n))
    rows, columns = (side // (shorter // n) for side in image_size)
    return rows, columns


def check_grids(grids: Sequence[int]) -> Tuple[int, ...]:
    """Return numbers of cells, or raise a MmmixError."""
    values = np.atleast_1d(grids)
    if not values.size or values.min() < 2:
        raise MmmixError('`grids` must be whole numbers of cells along a '
                         f'side, at least 2, not {grids!r}.')
    return tuple(values.tolist())


def check_weights(**weights: float) -> None:
    """Raise a MmmixError unless all are finite and not negative."""
    for name, value in weights.items():
        if not 0 <= value < float('inf'):
            raise MmmixError(f'`{name}` must be a finite number of at least '
                             f'0, not {value!r}.')
