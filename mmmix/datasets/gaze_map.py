"""Maps of gaze from points of gaze."""
from typing import Sequence

import torch
from torch import Tensor

from mmmix.errors import MmmixError


def gaze_map(points: Tensor, weights: Tensor, size: Sequence[int],
             sigma: float) -> Tensor:
    """Sum of Gaussians around points of gaze.

    A Gaussian is evaluated at the centres of the pixels and has the sum 1 on
    an infinite image; the part that lies outside of this one is lost.

    Args:
        points (Tensor): ``(M, 2)``, x and y of each point in pixels: the
            first pixel reaches from 0 to 1.
        weights (Tensor): ``(M,)``, such as milliseconds.
        size (Sequence[int]): Height and width of the map.
        sigma (float): Standard deviation in pixels, positive.

    Returns:
        Tensor: ``(h, w)``, zeros if there are no points.

    Raises:
        MmmixError: If sigma is not positive.
    """
    if not sigma > 0:
        raise MmmixError('`sigma` must be a positive number of pixels, not '
                         f'{sigma!r}.')
    columns, rows = (
        _gaussians(place, side, sigma)
        for place, side in zip(points.unbind(-1), reversed(tuple(size))))
    return (rows * weights[:, None]).T @ columns


def _gaussians(place: Tensor, side: int, sigma: float) -> Tensor:
    """A Gaussian around each place on a line of pixels ``(M, side)``."""
    centre = torch.arange(side, device=place.device) + 0.5
    distance = (centre - place[:, None]) / sigma
    return (-distance**2 / 2).exp() / (sigma * (2 * torch.pi)**0.5)
