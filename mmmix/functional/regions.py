"""Tokens of a mixed image, averaged over the region of each of its images."""
from typing import Tuple

from torch import Tensor

from mmmix.errors import MmmixError


def region_means(tokens: Tensor, weight: Tensor) -> Tuple[Tensor, Tensor]:
    r"""Weighted mean of the tokens of each image (SMMix, Eq. 10 and 11).

    .. math::
        \bar X = \frac{\sum_{i,j} m^{ij} X^{ij}}{\sum_{i,j} m^{ij}}

    With the mask as the weight this is the mean over the source's region;
    with one minus the mask, over the target's. A mask averaged onto a coarser
    grid weights each token by the share of its area inside the region.

    Args:
        tokens (Tensor): ``(N, C, h, w)``.
        weight (Tensor): ``(N, h, w)`` in [0, 1].

    Returns:
        Tuple[Tensor, Tensor]: The means ``(N, C)``, zero where the region is
        empty, and whether the region has any token, ``(N,)`` bool.

    Raises:
        MmmixError: If tokens and weights are on different grids.

    >>> import torch
    >>> tokens = torch.tensor([[[[1., 3., 8.]]]])
    >>> region_means(tokens, torch.tensor([[[1., 1., 0.]]]))
    (tensor([[2.]]), tensor([True]))
    """
    if tokens.shape[:1] + tokens.shape[2:] != weight.shape:
        raise MmmixError('`tokens` (N, C, h, w) and `weight` (N, h, w) must '
                         'lie on the same grid, but have shapes '
                         f'{tuple(tokens.shape)} and {tuple(weight.shape)}.')
    total = weight.sum((1, 2))
    means = (tokens * weight[:, None]).sum((2, 3))
    exists = total > 1e-4  # of one token; anything smaller is rounding error
    # an empty region has no mean: divide by 1 to keep its gradient finite
    return means / total.masked_fill(~exists, 1)[:, None], exists
