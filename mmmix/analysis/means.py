"""Means over mixed images, whose batches are the units of the errors."""
from typing import Sequence, Tuple

import numpy as np


def mean_and_error(values: Sequence[float],
                   batches: Sequence[int]) -> Tuple[float, float]:
    """Mean and its standard error.

    Some mixers draw one region for a whole batch, so the images of a batch
    are not independent: batches are the units of the error.

    Args:
        values (Sequence[float]): ``(N,)``.
        batches (Sequence[int]): ``(N,)``, the number of each one's batch.

    Returns:
        tuple[float, float]: NaN where there is no value; the error is NaN
        where there is only one batch.

    Example:
        >>> mean_and_error([1, 2, 2, 3], [0, 0, 1, 1])
        (2.0, 0.5)
    """
    values = np.asarray(values, np.float64)
    if not len(values):
        return float('nan'), float('nan')
    mean = values.mean()
    _, batch = np.unique(batches, return_inverse=True)
    sums = np.bincount(batch, values - mean)
    units = len(sums)
    if units == 1:
        return float(mean), float('nan')
    error = np.sqrt(units / (units - 1) * (sums**2).sum()) / len(values)
    return float(mean), float(error)
