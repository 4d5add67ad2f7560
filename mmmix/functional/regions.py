"""Tokens of a mixed image, averaged over the region each image owns."""
from typing import Tuple

from torch import Tensor

from mmmix.errors import MmmixError


def region_means(tokens: Tensor, weight: Tensor) -> Tuple[Tensor, Tensor]:
    r"""Weighted mean of the tokens of each image (SMMix, Eq. 10 and 11).

    .. math::
        \bar X = \frac{\sum_{i,j} m^{ij} X^{ij}}{\sum_{i,j} m^{ij}}

    With the mask as the weight this is the source's region; with one minus
    the mask the target's. A mask averaged onto a coarser grid weighs a token
    by the share of its area.

    Args:
        tokens (Tensor): ``(N, C, h, w)``.
        weight (Tensor): ``(N, h, w)`` in [0, 1].

    Returns:
        Tuple[Tensor, Tensor]: The means ``(N, C)``, zero where the region has
        no token, and whether it has any, ``(N,)`` bool.

    Raises:
        ValueError: If tokens and weights lie on different grids.
    """
    if tokens.shape[:1] + tokens.shape[2:] != weight.shape:
        raise MmmixError('`tokens` (N, C, h, w) and `weight` (N, h, w) must '
                         'lie on the same grid, but have shapes '
                         f'{tuple(tokens.shape)} and {tuple(weight.shape)}.')
    total = weight.sum((1, 2))
    means = (tokens * weight[:, None]).sum((2, 3))
    exists = total > 1e-4  # of a token: less is rounding
    # an empty region has no mean; dividing by one keeps its gradient finite
    return means / total.masked_fill(~exists, 1)[:, None], exists
