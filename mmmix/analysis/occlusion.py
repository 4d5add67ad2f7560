"""Accuracy when patches are lost (TdAttenMix, Fig. 5; MixPro, Fig. 3)."""
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import torch
from mmengine.dataset import BaseDataset
from torch import Tensor, nn

from mmmix.analysis.model_maps import ModelMap
from mmmix.analysis.patch_dropping import (
    DROPPING,
    FILLS,
    check_ratio,
    drop_patches,
    patches_to_drop,
    random_order,
    salient_patches,
    zero_pixels,
)
from mmmix.analysis.trained_model import TrainedModel, batches, labels_of
from mmmix.errors import MmmixError, check_name
from mmmix.functional import resize_mask


@dataclass
class Occlusion:
    """How patches are lost.

    Args:
        grid (tuple[int, int]): Patches down and across, whose sides divide
            those of the images. Defaults to (14, 14), as in the papers.
        ratios (Sequence[float]): How much is lost, in [0, 1]. Defaults to
            0, 0.1, ..., 0.9.
        drop (Sequence[str]): Which patches go first, of ``DROPPING``.
            Defaults to all three.
        fill (str): See :func:`zero_pixels`. Defaults to 'before'.
        by_mass (bool): See :func:`salient_patches`. Defaults to False.
        seeds (Sequence[int]): Of the random patches, not negative. Defaults
            to (0, ).

    Raises:
        MmmixError: If an argument is out of its range.
    """
    grid: Tuple[int, int] = (14, 14)
    ratios: Sequence[float] = tuple(i / 10 for i in range(10))
    drop: Sequence[str] = DROPPING
    fill: str = 'before'
    by_mass: bool = False
    seeds: Sequence[int] = (0, )

    def __post_init__(self):
        self.grid = tuple(self.grid)
        if min(self.grid) < 1:
            raise MmmixError('`grid` must be two positive numbers, not '
                             f'{self.grid[0]} {self.grid[1]}.')
        if min(self.seeds) < 0:
            raise MmmixError(f'`seeds` must not be negative: {self.seeds}.')
        for ratio in self.ratios:
            check_ratio(ratio)
        for kind in self.drop:
            check_name('drop', kind, DROPPING)
        check_name('fill', self.fill, FILLS)

    @property
    def needs_saliency(self) -> bool:
        """Whether any patches are chosen by their saliency."""
        return any(kind != 'random' for kind in self.drop)

    def lost(self, kind: str, ratio: float, indices: Sequence[int],
             saliency: Optional[Tensor]) -> List[Tensor]:
        """The patches that images lose: masks ``(N, *grid)``, one for each
        seed where they are random."""
        if kind != 'random':
            return [salient_patches(saliency, kind, ratio, self.by_mass)]
        orders = (
            random_order(indices, self.grid[0] * self.grid[1], seed)
            for seed in self.seeds)
        return [
            patches_to_drop(ratio, order).unflatten(1, self.grid)
            for order in orders
        ]


@torch.no_grad()
def accuracy_under_occlusion(trained: TrainedModel,
                             dataset: BaseDataset,
                             indices: Sequence[int],
                             occlusion: Occlusion,
                             saliency: Optional[Tensor] = None,
                             batch_size: int = 100) -> Dict[str, dict]:
    """Top-1 accuracy over the share of the patches that is lost.

    Args:
        trained (TrainedModel): A classifier.
        dataset (BaseDataset): Labelled images.
        indices (Sequence[int]): N of them.
        occlusion (Occlusion): How patches are lost.
        saliency (Tensor, optional): Maps ``(N, *grid)``, not needed for
            random patches.
        batch_size (int): Images at a time. Defaults to 100.

    Returns:
        dict[str, dict]: For each kind in ``occlusion.drop`` a value for each
        ratio: ``top1``, in percent, and ``dropped``, the share of the
        patches.
    """
    fill = zero_pixels(trained.model.data_preprocessor, occlusion.fill)
    # (kinds, ratios, top-1 or dropped, N)
    values, start = [], 0
    for inputs, samples in batches(trained, dataset, indices, batch_size):
        rows = slice(start, start + len(inputs))
        start += len(inputs)
        labels = labels_of(samples)
        own = None if saliency is None else saliency[rows]
        of_batch = []
        for kind in occlusion.drop:
            for ratio in occlusion.ratios:
                masks = occlusion.lost(kind, ratio, indices[rows], own)
                hits = hits_under_occlusion(trained.model, inputs, labels,
                                            masks, fill)
                of_batch += [
                    hits.float().mean(0),
                    torch.stack(masks).float().mean((0, 2, 3))
                ]
        values.append(torch.stack(of_batch))
    means = torch.cat(values, 1).mean(1).view(len(occlusion.drop), -1, 2)
    return {
        kind:
        dict(top1=(100 * own[:, 0]).tolist(), dropped=own[:, 1].tolist())
        for kind, own in zip(occlusion.drop, means)
    }


def model_saliency(trained: TrainedModel,
                   maps: ModelMap,
                   dataset: BaseDataset,
                   indices: Sequence[int],
                   grid: Sequence[int],
                   batch_size: int = 100) -> Tensor:
    """What a model looks at: its maps on a grid, ``(N, *grid)``, on the CPU.

    Args:
        trained, dataset, indices, batch_size: See
            :func:`accuracy_under_occlusion`.
        maps (ModelMap): The kind of the maps.
        grid (Sequence[int]): Height and width.
    """
    return torch.cat([
        resize_mask(maps.of_samples(trained.model, inputs, samples),
                    grid).cpu()
        for inputs, samples in batches(trained, dataset, indices, batch_size,
                                       f'{trained.name}: saliency')
    ])


def hits_under_occlusion(model: nn.Module, inputs: Tensor, labels: Tensor,
                         masks: Sequence[Tensor], fill: Tensor) -> Tensor:
    """Whether images are classified correctly when patches are lost.

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
        logits = model(images, mode='tensor')
        hits.append((logits.argmax(1) == labels.to(logits.device)).cpu())
    return torch.stack(hits)
