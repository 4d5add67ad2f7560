from typing import Optional, Sequence, Union

import numpy as np
import torch
from torch import Tensor

from mmmix.errors import MmmixError, check_name
from mmmix.functional import (area_lambda, paste_masked, resize_mask,
                              stretch_cells, top_cells)
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance, MixedBatch
from .base import (BatchMixer, Params, check_alpha, check_grid, check_pairing,
                   pair, to_device)


@BATCH_AUGMENTS.register_module()
class AttentiveCutMix(BatchMixer):
    r"""The most attended cells of the source, pasted in place.

    `Attentive CutMix: An Enhanced Data Augmentation Approach for Deep
    Learning Based Image Classification
    <https://arxiv.org/abs/2003.13048>`_, section 3.1. The paper's map is the
    last 7 x 7 feature map of a pretrained CNN, averaged over the channels
    (the paper does not say how it reduces them). A frozen guide provides
    it::

        guide=dict(
            type='mmmix.FrozenGuide',
            config='mmpretrain::resnet/resnet152_8xb32_in1k.py',
            checkpoint=...,
            input_size=224)

    which also enlarges small images. Any other guide works too.

    Cell i of n covers the pixels from :math:`\lfloor i H / n + 1/2 \rfloor`
    up to the start of the next cell: where 7 cells do not divide the image,
    some are one pixel wider than others, and no pixel is left out.

    OpenMixup's "AttentiveMix" is ``alpha=2, lam='area',
    pairing='shuffle'``: about half of the image is pasted on average, not 6
    of 49 cells.

    Args:
        num_cells (int): Number N of pasted cells, from 1 to all cells of the
            grid. Defaults to 6, the paper's.
        alpha (float, optional): Positive; draw N for each batch: the share of
            all cells, rounded down but at least one, is from Beta(alpha,
            alpha), and ``num_cells`` is not used. Defaults to None.
        grid (int | Sequence[int], optional): Rows and columns of cells; a map
            on another grid is averaged by area onto this one. None keeps the
            map's own. Defaults to 7, the paper's.
        lam (str): 'cells', the paper's N/49, or 'area', the share of the
            pixels. Defaults to 'cells'; the two agree where the cells divide
            the image.
        pairing (str): How images are paired: 'distinct', as the paper takes
            two distinct samples, 'shuffle', as OpenMixup does, or 'flip'; see
            :func:`~mmmix.models.batch_augments.base.pair`. Defaults to
            'distinct'.

    Raises:
        MmmixError: If ``num_cells`` is not between 1 and the number of cells,
            ``grid`` has no cell, ``alpha`` is not positive, or ``lam`` or
            ``pairing`` is unknown.

    >>> inputs, labels = torch.rand(2, 3, 28, 28), torch.eye(2)
    >>> attention = torch.arange(49.).view(1, 7, 7).expand(2, -1, -1)
    >>> mixer = AttentiveCutMix(num_cells=7)
    >>> params = mixer.sample(np.random.default_rng(0), 2, (28, 28))
    >>> mixed = mixer.mix(inputs, labels, params, Guidance(attention))
    >>> mixed.mask[0].sum(1)
    tensor([0., 0., 0., 0., 0., 0., 7.])
    """

    requires = frozenset({'attention'})

    def __init__(self,
                 num_cells: int = 6,
                 alpha: Optional[float] = None,
                 grid: Union[int, Sequence[int], None] = 7,
                 lam: str = 'cells',
                 pairing: str = 'distinct'):
        check_name('lam', lam, ('cells', 'area'))
        self.num_cells = num_cells
        self.alpha = None if alpha is None else check_alpha(alpha)
        self.grid = check_grid(grid)
        self.lam = lam
        self.pairing = check_pairing(pairing)
        if alpha is None:
            self._check_num_cells(self.grid)

    def _check_num_cells(self, grid: Optional[Sequence[int]]) -> None:
        most, of = float('inf'), "the number of the map's cells"
        if grid is not None:
            most = grid[0] * grid[1]
            of = f'{most}, the cells of the {grid[0]} x {grid[1]} map'
        if not 1 <= self.num_cells <= most:
            raise MmmixError('`num_cells` must be a whole number from 1 to '
                             f'{of}, not {self.num_cells!r}.')

    def sample(self, rng: np.random.Generator, batch_size: int,
               image_size: Sequence[int]) -> Params:
        params: Params = dict(source=pair(rng, batch_size, self.pairing))
        if self.alpha is not None:
            params['share'] = rng.beta(self.alpha, self.alpha)
        return params

    def mix(self,
            inputs: Tensor,
            labels: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        source = to_device(params['source'], inputs)
        attention = self.required(guidance, 'attention')[source]
        if self.grid is not None:
            attention = resize_mask(attention, self.grid)
        of = attention[0].numel()
        if 'share' in params:
            count = max(int(params['share'] * of), 1)
        else:
            self._check_num_cells(attention.shape[1:])
            count = self.num_cells
        cells = top_cells(-attention, torch.full_like(source, count))
        mask = stretch_cells(cells, inputs.shape[-2:])
        lam = area_lambda(mask.float())
        if self.lam == 'cells':
            lam = torch.full_like(lam, count / of)
        return MixedBatch(
            inputs=paste_masked(inputs, source, mask),
            labels=labels,
            source=source,
            lam=lam,
            mask=mask.float(),
            kind=self.kind,
            mixer='AttentiveCutMix')
