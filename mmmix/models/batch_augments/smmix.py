from typing import Optional, Sequence, Tuple, Union

import numpy as np
import torch
from torch import Tensor

from mmmix.errors import MmmixError
from mmmix.functional import (area_lambda, box_coverage, extreme_boxes,
                              paste_boxes, resize_mask, scale_boxes)
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance, MixedBatch
from .base import (BatchMixer, Params, check_grid, check_pairing, pair,
                   to_device)


@BATCH_AUGMENTS.register_module()
class SMMix(BatchMixer):
    r"""Max-min attention region mixing (SMMix, Eq. 6-8).

    `SMMix: Self-Motivated Image Mixing for Vision Transformers
    <https://arxiv.org/abs/2212.12977>`_. The most attended region of the
    source replaces the least attended region of the target. The region has
    :math:`\lfloor \delta h \rfloor \times \lfloor \delta w \rfloor` cells of
    the attention map's grid, the label weight is its share of the area.

    A region of no cells leaves the image unmixed (lambda 0); one of all cells
    replaces it (lambda 1). Where the cells are not whole pixels, the region's
    borders are rounded, see :func:`~mmmix.functional.scale_boxes`.

    Args:
        delta (float | Sequence[float]): Side ratio, fixed or uniform over
            ``(low, high)``, any part of [0, 1]. Defaults to (0.25, 0.75), the
            paper's.
        per_image (bool): Draw one side ratio for each image, not one for the
            batch. Defaults to False.
        integer_sides (bool): As the authors' public code does it: a square
            region whose side is uniform over the integers
            ``floor(low * s) .. floor(high * s)``, where ``s`` is the shorter
            side of the grid. Defaults to False, the paper's.
        grid (int | Sequence[int], optional): Rows and columns of the grid on
            which regions are chosen; the attention map is averaged by area
            onto it, so that a finer grid repeats the values of a coarse map.
            Defaults to None, the map's own: the patches of a ViT.
        pairing (str): 'flip' (the batch is paired with its reverse, as in the
            public code), 'shuffle' or 'distinct'; see
            :func:`~mmmix.models.batch_augments.base.pair`. Defaults to
            'flip'.

    Raises:
        MmmixError: If side ratios are outside [0, 1] or reversed, ``grid``
            has no cell, or the pairing is unknown; in :meth:`mix`, if not
            even the largest region has a cell.

    >>> inputs, labels = torch.rand(2, 3, 32, 32), torch.eye(2)
    >>> attention = torch.arange(16.).view(1, 4, 4).expand(2, -1, -1)
    >>> mixer = SMMix(delta=0.5)
    >>> params = mixer.sample(np.random.default_rng(0), 2, (32, 32))
    >>> mixed = mixer.mix(inputs, labels, params, Guidance(attention))
    >>> mixed.source_boxes[0], mixed.target_boxes[0]
    (tensor([16, 16, 32, 32]), tensor([ 0,  0, 16, 16]))
    >>> mixed.lam
    tensor([0.2500, 0.2500])
    """

    requires = frozenset({'attention'})
    in_place = False

    def __init__(self,
                 delta: Union[float, Sequence[float]] = (0.25, 0.75),
                 per_image: bool = False,
                 integer_sides: bool = False,
                 grid: Union[int, Sequence[int], None] = None,
                 pairing: str = 'flip'):
        numbers = np.atleast_1d(delta)
        if numbers.size not in (
                1, 2) or not (0 <= numbers[0] <= numbers[-1] <= 1):
            raise MmmixError('`delta` must be a side ratio in [0, 1] or two '
                             f'of them, low <= high, not {delta!r}.')
        self.delta = numbers[0].item(), numbers[-1].item()
        self.per_image = per_image
        self.integer_sides = integer_sides
        self.grid = check_grid(grid)
        self.pairing = check_pairing(pairing)

    def sample(self, rng: np.random.Generator, batch_size: int,
               image_size: Sequence[int]) -> Params:
        return dict(
            source=pair(rng, batch_size, self.pairing),
            side=rng.random(batch_size if self.per_image else 1))

    def region_sizes(self, side: np.ndarray, grid: Tuple[int,
                                                         int]) -> np.ndarray:
        """Heights and widths of the regions, in cells.

        Args:
            side (np.ndarray): Uniform draws in [0, 1), one for each region.
            grid (Tuple[int, int]): Rows and columns of cells.

        Returns:
            np.ndarray: ``(len(side), 2)`` integers.
        """
        low, high = self.delta
        if self.integer_sides:
            first, last = np.floor(np.multiply(self.delta, min(grid)))
            cells = first + np.floor(side * (last - first + 1))
            return np.stack([cells, cells], 1).astype(np.int64)
        delta = low + side * (high - low)
        # 2/3 of 6 cells are 4, also in floating point
        return np.floor(delta[:, None] * grid + 1e-9).astype(np.int64)

    def mix(self,
            inputs: Tensor,
            labels: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        attention = self.required(guidance, 'attention')
        image_size = tuple(inputs.shape[-2:])
        grid = self.grid or tuple(attention.shape[1:])
        if self.delta[1] * min(grid) < 1 - 1e-9:
            raise MmmixError(
                'A region whose sides are at most {} of {} x {} cells has no '
                'cell, so that nothing would ever be mixed: set a larger '
                '`delta`, or a finer `grid`.'.format(self.delta[1], *grid))
        attention = resize_mask(attention, grid)
        sizes = torch.from_numpy(self.region_sizes(params['side'], grid))
        sizes = sizes if self.per_image else sizes[0]
        source = to_device(params['source'], inputs)
        source_boxes = extreme_boxes(attention[source], sizes, 'max')
        target_boxes = extreme_boxes(attention, sizes, 'min')
        source_boxes = scale_boxes(source_boxes, grid, image_size)
        target_boxes = scale_boxes(target_boxes, grid, image_size)
        whole = all(side % cells == 0 for side, cells in zip(image_size, grid))
        mask = box_coverage(target_boxes, image_size,
                            grid if whole else image_size)
        return MixedBatch(
            inputs=paste_boxes(inputs, source, source_boxes, target_boxes),
            labels=labels,
            source=source,
            lam=area_lambda(mask),
            mask=mask,
            kind=self.kind,
            source_boxes=source_boxes,
            target_boxes=target_boxes,
            mixer='SMMix')
