"""How well a map of attention finds the objects."""
from typing import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mmmix.errors import MmmixError

ROUNDING = 1e-6  # share of the mass that float32 maps do not resolve
UPSAMPLING = ('nearest', 'bilinear')


def top_mass_mask(attention: Tensor, share: float) -> Tensor:
    """The fewest, most attended places that together hold a share of the
    attention.

    The protocol of DINO (Caron et al., 2021) and Naseer et al. (2021). Among
    equals the place that comes first in reading order is taken first; the
    place that crosses the share is taken, too. What is left out may exceed
    ``1 - share`` by a millionth, so that rounding takes no place too many.

    Args:
        attention (Tensor): ``(N, h, w)``, not negative; it need not sum to 1.
        share (float): In [0, 1]. 0 takes nothing.

    Returns:
        Tensor: ``(N, h, w)`` bool. A map of zeros has no mass: nothing of it
        is taken.

    Raises:
        ValueError: If the share is out of its range.
    """
    if not 0 <= share <= 1:
        raise MmmixError('The share of the attention mass must be a number '
                         f'between 0 and 1, not {share!r}.')
    mass = attention.flatten(1)
    if mass.device.type != 'mps':  # which has no float64
        mass = mass.double()
    mass, order = mass.sort(dim=1, descending=True, stable=True)
    before = mass.cumsum(1) - mass
    taken = before < (share - ROUNDING) * mass.sum(1, keepdim=True)
    mask = torch.zeros_like(taken).scatter_(1, order, taken)
    return mask.view_as(attention)


def attention_segments(attention: Tensor,
                       share: float,
                       size: Sequence[int],
                       upsample: str = 'nearest') -> Tensor:
    """The segmentation that an attention map makes of an image.

    Args:
        attention (Tensor): ``(N, h, w)``, not negative.
        share (float): See :func:`top_mass_mask`.
        size (Sequence[int]): Height and width of the image.
        upsample (str): 'nearest' takes places of the map and enlarges the
            mask, as the public codes of DINO and Naseer et al. do;
            'bilinear' enlarges the map and takes pixels. Defaults to
            'nearest'.

    Returns:
        Tensor: ``(N, *size)`` bool.

    Raises:
        ValueError: If the share is out of its range or ``upsample`` unknown.
    """
    if upsample not in UPSAMPLING:
        raise MmmixError(f'`upsample` must be one of {UPSAMPLING}, not '
                         f'{upsample!r}.')
    size = tuple(size)
    if upsample == 'bilinear':
        attention = F.interpolate(
            attention[:, None], size, mode='bilinear', align_corners=False)
        return top_mass_mask(attention[:, 0], share)
    mask = top_mass_mask(attention, share)[:, None].float()
    return F.interpolate(mask, size, mode='nearest')[:, 0].bool()


def jaccard(pred: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """Intersection over union of masks, on the pixels that count.

    Args:
        pred (Tensor): ``(N, H, W)`` bool.
        truth (Tensor): ``(N, H, W)`` bool.
        valid (Tensor): ``(N, H, W)`` bool, False where a pixel is ignored.

    Returns:
        Tensor: ``(N,)`` float32 in [0, 1], NaN where the union is empty.
    """
    intersection = (pred & truth & valid).sum((1, 2))
    union = ((pred | truth) & valid).sum((1, 2))
    return intersection / union
