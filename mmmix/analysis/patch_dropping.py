"""Which patches of an image are dropped, and what is put in their place.

The protocol is that of Naseer et al., "Intriguing properties of vision
transformers", 2021, which TdAttenMix (Fig. 5) and MixPro (Fig. 3) follow.
"""
from typing import Iterable, Union

import numpy as np
import torch
from mmpretrain.models import ClsDataPreprocessor
from torch import Tensor, nn

from mmmix.analysis.attention_segmentation import top_mass_mask
from mmmix.analysis.trained_model import normalisation
from mmmix.errors import MmmixError, check_name

DROPPING = ('random', 'salient', 'non-salient')
FILLS = ('before', 'after')


def random_order(indices: Iterable[int],
                 num_patches: int,
                 seed: int = 0) -> Tensor:
    """The order in which images lose patches at random.

    It depends only on the seed and on the place of the image in the data
    set: all models lose the same patches, and at a larger ratio an image
    loses these and more.

    Args:
        indices (Iterable[int]): Places in the data set.
        num_patches (int): Of each image.
        seed (int): Not negative. Defaults to 0.

    Returns:
        Tensor: ``(N, num_patches)`` int64, each row a permutation.
    """
    return torch.from_numpy(
        np.stack([
            np.random.default_rng((seed, index)).permutation(num_patches)
            for index in indices
        ]))


def saliency_order(saliency: Tensor) -> Tensor:
    """Patches from the most to the least salient.

    Of equal patches the first in reading order comes first, so that the
    order never depends on the device or on the batch. Flipped, it is the
    order from the least to the most salient; the patches that the two drop
    at ratios that add up to 1 are then the whole image.

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
        MmmixError: If the ratio is out of its range.
    """
    check_ratio(ratio)
    # 0.29 * 100 is a little less than 29
    num_dropped = int(ratio * order.size(1) + 1e-6)
    dropped = torch.zeros_like(order, dtype=torch.bool)
    return dropped.scatter_(1, order[:, :num_dropped], True)


def check_ratio(ratio: float) -> None:
    """Raise a MmmixError unless a loss ratio is in [0, 1]."""
    if not 0 <= ratio <= 1:
        raise MmmixError('A loss ratio must be a number between 0 and 1, not '
                         f'{ratio!r}.')


def salient_patches(saliency: Tensor,
                    kind: str,
                    ratio: float,
                    by_mass: bool = False) -> Tensor:
    """The patches that are lost when the most or the least salient are.

    Args:
        saliency (Tensor): ``(N, h, w)`` on the patch grid.
        kind (str): 'salient' or 'non-salient'.
        ratio (float): How much is lost, in [0, 1].
        by_mass (bool): Whether the ratio is a share of the saliency's mass,
            as in the public code of Naseer et al., or of the number of
            patches. A salient loss of 0.5 is then the fewest patches with
            half of the mass, a non-salient one all patches without them.
            Defaults to False.

    Returns:
        Tensor: ``(N, h, w)`` bool.

    Raises:
        MmmixError: If the kind is unknown or the ratio out of its range.
    """
    check_name('kind', kind, DROPPING[1:])
    if by_mass and kind == 'salient':
        return top_mass_mask(saliency, ratio)
    if by_mass:
        # patches without mass are in no top mass, but at 0 nothing is lost
        return ~top_mass_mask(saliency, 1 - ratio) & (ratio > 0)
    order = saliency_order(saliency)
    if kind == 'non-salient':
        order = order.flip(1)
    return patches_to_drop(ratio, order).view_as(saliency)


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
        MmmixError: If the images do not divide into the grid.
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


def zero_pixels(preprocessor: nn.Module, fill: str) -> Tensor:
    """What a dropped patch of zeros is in a normalised image.

    Args:
        preprocessor (nn.Module): A classifier's data preprocessor.
        fill (str): 'before': zeros are set before normalisation, which are
            black pixels; 'after': after it, the mean colour.

    Returns:
        Tensor: A value for each channel ``(C,)``, or ``(1,)`` for all.

    Raises:
        MmmixError: If the data preprocessor is not that of a classifier, or
            ``fill`` is unknown.
    """
    check_name('fill', fill, FILLS)
    if not isinstance(preprocessor, ClsDataPreprocessor):
        raise MmmixError('The data preprocessor must be a ClsDataPreprocessor '
                         f'or its child, not {type(preprocessor).__name__}.')
    mean, std = normalisation(preprocessor)
    if fill == 'before' and mean is not None:
        return (-mean / std).flatten()
    return torch.zeros(1)
