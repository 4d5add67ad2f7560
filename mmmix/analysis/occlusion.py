"""Accuracy when patches are lost (TdAttenMix, Fig. 5; MixPro, Fig. 3)."""
from typing import Iterable, Sequence

import numpy as np
import torch
from mmpretrain.models import ClsDataPreprocessor
from torch import Tensor, nn

from mmmix.analysis.localisation import top_mass_mask
from mmmix.analysis.patch_dropping import (
    drop_patches,
    patches_to_drop,
    saliency_order,
)
from mmmix.errors import MmmixError, check_name

DROPPING = ('random', 'salient', 'non-salient')
FILLS = ('before', 'after')


def random_order(indices: Iterable[int],
                 num_patches: int,
                 seed: int = 0) -> Tensor:
    """The order in which an image loses patches at random.

    It depends on the seed and the image's place in the data set alone: all
    models lose the same, and at a larger ratio an image loses more of the
    same.

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
        ValueError: If the kind is unknown or the ratio out of its range.
    """
    check_name('kind', kind, DROPPING[1:])
    if by_mass:
        if kind == 'salient':
            return top_mass_mask(saliency, ratio)
        return ~top_mass_mask(saliency, 1 -
                              ratio) if ratio else torch.zeros_like(
                                  saliency, dtype=torch.bool)
    order = saliency_order(saliency)
    if kind == 'non-salient':
        order = order.flip(1)
    return patches_to_drop(ratio, order).view_as(saliency)


def zero_pixels(preprocessor: nn.Module, fill: str) -> Tensor:
    """What a dropped patch of zeros is in a normalised image.

    Args:
        preprocessor (nn.Module): A classifier's data preprocessor.
        fill (str): 'before': zeros are set before normalisation, which are
            black pixels; 'after': after it, the mean colour.

    Returns:
        Tensor: A value for each channel ``(C,)``, or ``(1,)`` for all.

    Raises:
        ValueError: If the data preprocessor is not a classifier's, or
            ``fill`` is unknown.
    """
    check_name('fill', fill, FILLS)
    if not isinstance(preprocessor, ClsDataPreprocessor):
        raise MmmixError('The data preprocessor must be a ClsDataPreprocessor '
                         f'or its child, not {type(preprocessor).__name__}.')
    if fill == 'before' and preprocessor._enable_normalize:
        return (-preprocessor.mean / preprocessor.std).flatten()
    return torch.zeros(1)


@torch.no_grad()
def hits_under_occlusion(model: nn.Module, inputs: Tensor, labels: Tensor,
                         masks: Sequence[Tensor], fill: Tensor) -> Tensor:
    """Whether images are classified rightly when patches are lost.

    Args:
        model (nn.Module): A classifier, in eval mode.
        inputs (Tensor): Normalised images ``(N, C, H, W)``.
        labels (Tensor): ``(N,)``.
        masks (Sequence[Tensor]): M masks ``(N, h, w)`` bool of what is lost.
        fill (Tensor): See :func:`zero_pixels`.

    Returns:
        Tensor: ``(M, N)`` bool on the CPU.
    """
    hits = []
    for mask in masks:
        images = drop_patches(inputs, mask.to(inputs.device), fill)
        scores = model(images, mode='tensor')
        hits.append((scores.argmax(1) == labels.to(scores.device)).cpu())
    return torch.stack(hits)
