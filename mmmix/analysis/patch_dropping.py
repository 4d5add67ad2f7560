"""Dropping patches of an image: robustness against occlusion.

The protocol is that of Naseer et al., "Intriguing properties of vision
transformers", 2021, which TdAttenMix (Fig. 5) and MixPro (Fig. 3) follow.
"""
from typing import Union

import torch
from torch import Tensor

from mmmix.errors import MmmixError


def saliency_order(saliency: Tensor) -> Tensor:
    """Patches from the most to the least salient.

    Among equals the patch that comes first in reading order is first, so
    that the order never depends on the device or on the batch. Flipped, it
    is the order from the least to the most salient; the patches that the two
    drop at ratios that add up to 1 are then the whole image.

    Args:
        saliency (Tensor): ``(N, h, w)``.

    Returns:
        Tensor: ``(N, h * w)`` int64, each row a permutation.
    """
    return saliency.flatten(1).argsort(dim=1, descending=True, stable=True)


def patches_to_drop(ratio: float, order: Tensor) -> Tensor:
    """The patches that are dropped at a loss ratio: the first in an order.

    Exactly ``floor(ratio * L)`` of the L patches of each image, as in the
    public code of Naseer et al.: 19 of 196 at a ratio of 0.1.

    Args:
        ratio (float): Share of the patches that is lost, in [0, 1].
        order (Tensor): ``(N, L)`` int64, each row a permutation of the
            patches, the first to be dropped first.

    Returns:
        Tensor: ``(N, L)`` bool, True where a patch is dropped.

    Raises:
        ValueError: If the ratio is out of its range.
    """
    if not 0 <= ratio <= 1:
        raise MmmixError('The loss ratio must be a number between 0 and 1, '
                         f'not {ratio!r}.')
    num_patches = order.size(1)
    # 0.29 * 100 is a little less than 29
    num_dropped = int(ratio * num_patches + 1e-6)
    dropped = torch.zeros_like(order, dtype=torch.bool)
    return dropped.scatter_(1, order[:, :num_dropped], True)


def drop_patches(images: Tensor,
                 dropped: Tensor,
                 fill: Union[float, Tensor] = 0.) -> Tensor:
    """Overwrite patches of images.

    Args:
        images (Tensor): ``(N, C, H, W)``.
        dropped (Tensor): ``(N, h, w)`` bool, True where the patch at this
            place of the grid is dropped. The grid need not be square.
        fill (float | Tensor): What is put there: one value, or ``(C,)``, one
            for each channel. 0 in normalised images is the mean colour.
            Defaults to 0.

    Returns:
        Tensor: New images in the dtype of the old.

    Raises:
        ValueError: If the images do not divide into the grid.
    """
    height, width = images.shape[-2:]
    rows, columns = dropped.shape[1:]
    if height % rows or width % columns:
        raise MmmixError(
            f'Images of {height} x {width} pixels do not divide into a grid '
            f'of {rows} x {columns} patches: choose a grid whose sides divide '
            'those of the image.')
    pixels = dropped.repeat_interleave(height // rows, 1)
    pixels = pixels.repeat_interleave(width // columns, 2)[:, None]
    fill = torch.as_tensor(fill, dtype=images.dtype, device=images.device)
    return torch.where(pixels, fill.view(-1, 1, 1), images)
