"""Accuracy when patches are lost (TdAttenMix, Fig. 5; MixPro, Fig. 3).

The protocol is that of Naseer et al., "Intriguing properties of vision
transformers", 2021, which both papers follow.
"""
from dataclasses import dataclass
from itertools import product
from typing import Dict, Literal, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmengine.dataset import BaseDataset
from mmpretrain.models import ClsDataPreprocessor
from torch import Tensor, nn

from mmmix.analysis.attention_segmentation import top_mass_mask
from mmmix.analysis.pairs import mean_and_error
from mmmix.analysis.trained_model import TrainedModel, batches, labels_of
from mmmix.errors import MmmixError, check_name
from mmmix.functional.transport import divide
from mmmix.models.channels import normalisation

DROPPING = ('random', 'salient', 'non-salient')
FILLS = ('before', 'after')
SHARES = ('patches', 'mass')


@dataclass
class Occlusion:
    """How patches are lost.

    Args:
        grid (tuple[int, int]): Patches down and across, whose sides divide
            those of the images. Defaults to 14 14, as in the papers.
        ratios (Sequence[float]): How much is lost, in [0, 1]. Defaults to
            0 0.1 ... 0.9.
        drop (Sequence[str]): Which patches go first: 'random', 'salient',
            'non-salient'. Defaults to all three.
        fill (str): Zeros are set 'before' normalisation (black, as in the
            public code of Naseer et al.) or 'after' it (the mean colour).
            Defaults to 'before'.
        by (str): A salient or non-salient ratio is a share of the number of
            'patches', or of the saliency's 'mass', as in the public code of
            Naseer et al.: a salient loss of 0.5 is then the fewest patches
            with half of the mass, a non-salient one all patches without
            them. Defaults to 'patches'.
        seeds (Sequence[int]): Of the random patches, not negative; of several
            the mean is taken. Defaults to 0.

    Raises:
        MmmixError: If an argument is out of its range.
    """
    grid: Tuple[int, int] = (14, 14)
    ratios: Sequence[float] = tuple(i / 10 for i in range(10))
    drop: Sequence[Literal[DROPPING]] = DROPPING
    fill: Literal[FILLS] = 'before'
    by: Literal[SHARES] = 'patches'
    seeds: Sequence[int] = (0, )

    def __post_init__(self):
        self.grid = tuple(self.grid)
        self.drop = list(dict.fromkeys(self.drop))
        if min(self.grid) < 1:
            raise MmmixError('`grid` must be two positive numbers, not '
                             f'{self.grid[0]} {self.grid[1]}.')
        if not self.seeds:
            raise MmmixError('`seeds` must hold at least one number, but it '
                             'is empty.')
        if min(self.seeds) < 0:
            raise MmmixError(f'`seeds` must not be negative: {self.seeds}.')
        for ratio in self.ratios:
            if not 0 <= ratio <= 1:
                raise MmmixError('A loss ratio must be a number between 0 and '
                                 f'1, not {ratio!r}.')
        for kind in self.drop:
            check_name('drop', kind, DROPPING)
        check_name('fill', self.fill, FILLS)
        check_name('by', self.by, SHARES)

    def lost(self,
             kind: str,
             ratio: float,
             indices: Sequence[int],
             saliency: Optional[Tensor] = None) -> Tensor:
        """The patches that images lose.

        Unless the ratio is one of the mass, these are exactly
        ``floor(ratio * L)`` of the L patches of each image, as in the public
        code of Naseer et al.: 19 of 196 at a ratio of 0.1. Of equally salient
        patches the first in reading order is the most salient, so that nothing
        depends on the device or on the batch; the salient and the non-salient
        patches at ratios that add up to 1 are the whole image. Random patches
        depend only on the seed and on the place of the image in the data set:
        all models lose the same, and at a larger ratio these and more.

        Args:
            kind (str): One of ``DROPPING``.
            ratio (float): How much is lost, in [0, 1].
            indices (Sequence[int]): Places of the images in the data set.
            saliency (Tensor, optional): ``(N, *grid)``, not needed for random
                patches.

        Returns:
            Tensor: ``(M, N, *grid)`` bool, where M is 1 or, for random
            patches, the number of seeds.
        """
        if kind == 'random':
            orders = torch.from_numpy(
                np.array([[
                    np.random.default_rng(
                        (seed, index)).permutation(self.grid[0] * self.grid[1])
                    for index in indices
                ] for seed in self.seeds]))
        elif self.by == 'patches':
            orders = saliency.flatten(1).argsort(
                dim=1, descending=True, stable=True)[None]
            if kind == 'non-salient':
                orders = orders.flip(2)
        elif kind == 'salient':
            return top_mass_mask(saliency, ratio)[None]
        else:
            # patches without mass are in no top mass, but at 0 nothing is lost
            return ~top_mass_mask(saliency, 1 - ratio)[None] & (ratio > 0)
        # 0.29 * 100 is a little less than 29
        num_lost = int(ratio * orders.size(2) + 1e-6)
        lost = torch.zeros_like(orders, dtype=torch.bool)
        return lost.scatter_(2, orders[..., :num_lost],
                             True).unflatten(2, self.grid)


@torch.no_grad()
def accuracy_under_occlusion(trained: TrainedModel,
                             dataset: BaseDataset,
                             indices: Sequence[int],
                             occlusion: Occlusion,
                             saliency: Optional[Tensor] = None,
                             batch_size: int = 100) -> Dict[str, dict]:
    """Top-1 accuracy over the share of the patches that is lost.

    Args:
        trained, dataset, indices, batch_size: See
            :func:`~mmmix.analysis.batches`; the N images have labels.
        occlusion (Occlusion): How patches are lost.
        saliency (Tensor, optional): Maps ``(N, *grid)``, not needed for
            random patches.

    Returns:
        dict[str, dict]: For each kind in ``occlusion.drop`` a value for each
        ratio: ``top1``, in percent, its standard ``error``, and ``dropped``,
        the share of the patches; of all ratios together ``mean`` and
        ``mean_error``, and ``difference`` and ``difference_error``, the same
        of the mean less that of the first kind, image by image.
    """
    fill = zero_pixels(trained.model.data_preprocessor, occlusion.fill)
    # (kinds, ratios, top-1 or dropped, N)
    values, start = [], 0
    for inputs, samples in batches(trained, dataset, indices, batch_size):
        rows = slice(start, start + len(inputs))
        start += len(inputs)
        labels = labels_of(samples).cpu()
        own = None if saliency is None else saliency[rows]
        of_batch = []
        for kind, ratio in product(occlusion.drop, occlusion.ratios):
            masks = occlusion.lost(kind, ratio, indices[rows], own)
            shown = (
                drop_patches(inputs, mask, fill)
                for mask in masks.to(inputs.device))
            hits = torch.stack([
                trained.model(images, mode='tensor').argmax(1).cpu() == labels
                for images in shown
            ])
            of_batch += [
                hits.float().mean(0),
                masks.cpu().float().mean((0, 2, 3))
            ]
        values.append(torch.stack(of_batch))
    values = torch.cat(values, 1).view(len(occlusion.drop), -1, 2, start)
    return {
        kind: _mean_curve(*own.unbind(1), first=values[0, :, 0])
        for kind, own in zip(occlusion.drop, values)
    }


def _mean_curve(hits: Tensor, dropped: Tensor, first: Tensor) -> dict:
    """The means over the images of values ``(ratios, N)``, of which ``first``
    are the hits of another kind."""
    images = range(hits.size(1))
    top1, error = zip(*(mean_and_error(100 * own, images) for own in hits))
    mean, mean_error = mean_and_error(100 * hits.mean(0), images)
    difference = mean_and_error(100 * (hits - first).mean(0), images)
    return dict(
        top1=list(top1),
        error=list(error),
        dropped=dropped.mean(1).tolist(),
        mean=mean,
        mean_error=mean_error,
        difference=difference[0],
        difference_error=difference[1])


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
    height, width = divide(images, dropped.shape)
    pixels = dropped.repeat_interleave(height, 1)
    pixels = pixels.repeat_interleave(width, 2)[:, None]
    fill = torch.as_tensor(fill, dtype=images.dtype, device=images.device)
    return torch.where(pixels, fill.view(-1, 1, 1), images)


def zero_pixels(preprocessor: nn.Module, fill: str) -> Tensor:
    """What a dropped patch of zeros is in an image that a classifier's data
    preprocessor has normalised, for a fill of :class:`Occlusion`: a value for
    each channel ``(C,)``, or ``(1,)`` for all.

    Raises:
        MmmixError: If the data preprocessor is not that of a classifier, or
            ``fill`` is unknown.
    """
    check_name('fill', fill, FILLS)
    if not isinstance(preprocessor, ClsDataPreprocessor):
        raise MmmixError('The data preprocessor must be a ClsDataPreprocessor '
                         f'or its child, not {type(preprocessor).__name__}.')
    if fill == 'after':
        return torch.zeros(1)
    mean, std = normalisation(preprocessor, torch.empty(1, 1, 1, 1))
    return ((0 - mean) / std).flatten()
