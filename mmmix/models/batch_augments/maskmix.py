import math
from typing import Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor, nn

from mmmix.errors import MmmixError, check_name
from mmmix.functional import (area_lambda, box_masks, crop_cells, grid_shape,
                              paste_masked, resize_mask)
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance, MixedBatch
from ..attention import patch_of
from .base import (BatchMixer, Params, check_alpha, check_pairing, pair,
                   to_device)


@BATCH_AUGMENTS.register_module()
class MaskMix(BatchMixer):
    r"""Mixing by a random mask of cells that are whole patches (MixPro).

    `MixPro: Data Augmentation with MaskMix and Progressive Attention Labeling
    for Vision Transformer <https://arxiv.org/abs/2304.12043>`_, Eq. 6 and 7.
    A grid of :math:`S = \lceil H / P \rceil \times \lceil W / P \rceil` cells,
    each ``scale`` patches wide, starts in the image's upper left corner; cells
    that extend past the right and lower borders are cut off. In
    :math:`\lfloor S \tau \rfloor` random cells, :math:`\tau \sim Beta(\beta,
    \beta)`, the source (:math:`x_i` in Eq. 7) replaces the target; an image
    without such a cell stays unmixed (lambda 0). There are no boxes.

    The rows of the paper's ablations:

    ============================ ==========================================
    Table 7, random (4x scale)   the default
    Table 7, random              ``scale=1``; 2 and 7 in Fig. 5a
    Table 7, block               ``strategy='block', scale=1``
    Table 7, region              :class:`CutMix`
    Table 8, A                   ``strategy='region', scale=1``, with the
                                 label rule of TransMix
    Table 8, B                   ``alignment='shifted'``
    Table 8, C                   ``alignment='sub_patch', scale=0.5``; the
                                 paper does not give the size
    Table 9, shuffled patches    ``shuffle_patches=True``; the other random
                                 pattern, not described, is left out
    ============================ ==========================================

    The authors' public code is ``rounding='ceil', mask_per_image=True,
    pairing='shuffle', lam='count'``, with patches of 14 pixels for DeiT.

    Args:
        scale (float): Side of a cell, in patches: a whole number, or less
            than one with ``alignment='sub_patch'``. Defaults to 4.
        patch_size (int): Side of an image patch in pixels. Defaults to 16.
        beta (float): Positive parameter of the Beta distribution. Defaults to
            1.
        tau (float, optional): The share of the cells to paste, in (0, 1),
            instead of one that is drawn; TokenMix's public code pastes 112
            of 196. Defaults to None.
        strategy (str): Which cells are pasted. 'random': any. 'block':
            rectangles of cells, which may overlap, until the number is
            reached (BEiT, TokenMix): their area is uniform between one cell
            and what is missing, the ratio of their sides log-uniform in
            0.3..1/0.3; ten rectangles in a row that do not fit end it early.
            'region': one rectangle, CutMix's with its borders rounded to
            borders of cells; its area before clipping and rounding is
            ``tau``. Defaults to 'random'.
        alignment (str): How cells are aligned to the patches. 'patch': to
            their borders. 'shifted': the grid is moved up and left, by 1 to
            ``patch_size - 1`` pixels each, drawn for each batch. 'sub_patch':
            cells are smaller than a patch. Defaults to 'patch'.
        rounding (str): 'floor' (Sec. 3.2) or 'ceil' (public code) of the
            number of cells. Has no effect on 'region'. Defaults to 'floor'.
        lam (str): 'area': the share of the image that was pasted. 'count':
            the share of the cells, as if none were cut off, as in the public
            code. Equal where cells divide the image. Defaults to 'area'.
        per_image (bool): Draw a tau, and a mask, for each image. Defaults to
            False, one tau for the batch.
        mask_per_image (bool): Draw a mask for each image, as in the public
            code. Defaults to False, one for the batch (Algorithm 1).
        shuffle_patches (bool): Shuffle the source's patches among the pasted
            places. Defaults to False.
        pairing (str): 'flip' (the batch is paired with its reverse, Algorithm
            1), 'shuffle' (public code) or 'distinct'; see
            :func:`~mmmix.models.batch_augments.base.pair`. Defaults to
            'flip'.

    Raises:
        MmmixError: If a number is out of range or a name unknown.

    >>> inputs, labels = torch.rand(4, 3, 32, 32), torch.eye(4)
    >>> mixer = MaskMix(scale=1, patch_size=8)
    >>> params = mixer.sample(np.random.default_rng(0), 4, (32, 32))
    >>> mixed = mixer.mix(inputs, labels, params)
    >>> mixed.mask.shape, torch.equal(mixed.lam, mixed.mask.mean((1, 2)))
    (torch.Size([4, 4, 4]), True)
    """

    def __init__(self,
                 scale: float = 4,
                 patch_size: int = 16,
                 beta: float = 1.0,
                 tau: Optional[float] = None,
                 strategy: str = 'random',
                 alignment: str = 'patch',
                 rounding: str = 'floor',
                 lam: str = 'area',
                 per_image: bool = False,
                 mask_per_image: bool = False,
                 shuffle_patches: bool = False,
                 pairing: str = 'flip'):
        check_name('strategy', strategy, STRATEGIES)
        check_name('alignment', alignment, ('patch', 'shifted', 'sub_patch'))
        check_name('rounding', rounding, ('floor', 'ceil'))
        check_name('lam', lam, ('area', 'count'))
        smallest = 2 if alignment == 'shifted' else 1
        if patch_size < smallest:
            raise MmmixError('`patch_size` must be a whole number of pixels, '
                             f'at least {smallest}, not {patch_size!r}.')
        if shuffle_patches and alignment != 'patch':
            raise MmmixError(
                '`shuffle_patches` requires cells of whole patches: '
                f"alignment='patch', not {alignment!r}.")
        if tau is not None and not 0 < tau < 1:
            raise MmmixError('`tau`, the share of the cells, must be in '
                             f'(0, 1) or None, not {tau!r}.')
        self.cell = cell_size(scale, patch_size, alignment)
        self.scale = scale
        self.patch_size = patch_size
        self.beta = check_alpha(beta, 'beta')
        self.tau = tau
        self.choose_cells = STRATEGIES[strategy]
        self.alignment = alignment
        self.round = np.floor if rounding == 'floor' else np.ceil
        self.lam = lam
        self.per_image = per_image
        self.mask_per_image = mask_per_image
        self.shuffle_patches = shuffle_patches
        self.in_place = not shuffle_patches
        self.pairing = check_pairing(pairing)

    def check(self, model: nn.Module) -> None:
        patch = patch_of(model.backbone)
        if self.alignment != 'patch' or patch is None:
            return
        if any(self.cell % side for side in patch):
            raise MmmixError(
                f'The {self.cell} x {self.cell} pixel cells of MaskMix (scale='
                f'{self.scale} of patch_size={self.patch_size}) are not a '
                f"multiple of the backbone's {patch[0]} x {patch[1]} pixel "
                'patches: set `patch_size` to the size of those, or choose '
                "misaligned cells, alignment='shifted' or 'sub_patch'.")

    def sample(self, rng: np.random.Generator, batch_size: int,
               image_size: Sequence[int]) -> Params:
        source = pair(rng, batch_size, self.pairing)
        tau = self._tau(rng, batch_size if self.per_image else 1)
        if self.mask_per_image:
            tau = np.broadcast_to(tau, batch_size)
        offset = rng.integers(1, self.patch_size, 2) \
            if self.alignment == 'shifted' else np.zeros(2, np.int64)
        grid = grid_shape(image_size, (self.cell, self.cell), offset.tolist())
        if grid == (1, 1):
            raise MmmixError(
                'A cell of {0} x {0} pixels (`scale` times `patch_size`) '
                'covers the whole {1} x {2} image, so there is nothing to '
                'mix: choose smaller cells.'.format(self.cell, *image_size))
        count = self.round(tau * grid[0] * grid[1]).astype(np.int64)
        params = dict(
            source=source,
            offset=offset,
            cells=self.choose_cells(rng, tau, count, grid))
        if self.shuffle_patches:
            params['place'] = self.shuffled(rng, params['cells'], image_size)
        return params

    def _tau(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Shares of the cells to paste, ``(size,)``."""
        if self.tau is not None:
            return np.full(size, self.tau)
        return rng.beta(self.beta, self.beta, size)

    def shuffled(self, rng: np.random.Generator, cells: np.ndarray,
                 image_size: Sequence[int]) -> np.ndarray:
        """Index of the source's patch at each place, ``(len(cells), h, w)``:
        a permutation of the pasted patches."""
        if any(side % self.patch_size for side in image_size):
            raise MmmixError(
                'Images of {} x {} pixels do not divide into patches of '
                '{} pixels, which `shuffle_patches` requires.'.format(
                    *image_size, self.patch_size))
        mask = crop_cells(
            torch.from_numpy(cells), image_size, (self.cell, self.cell))
        grid = [side // self.patch_size for side in image_size]
        pasted = resize_mask(mask.float(), grid).flatten(1).bool().numpy()
        # in both orders the pasted places come first, then the others
        order = np.argsort(~pasted, 1, kind='stable')
        keys = np.where(pasted, rng.random(pasted.shape), 1)
        place = np.empty(pasted.shape, np.int64)
        np.put_along_axis(
            place, order, np.argsort(keys, 1, kind='stable'), axis=1)
        return place.reshape(-1, *grid)

    def mix(self,
            inputs: Tensor,
            labels: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        n, _, *image_size = inputs.shape
        source = to_device(params['source'], inputs)
        cells = to_device(params['cells'], inputs)
        chosen = crop_cells(cells, image_size, (self.cell, self.cell),
                            params['offset'].tolist())
        mask, place, moves = chosen.float(), None, None
        if self.shuffle_patches:
            place = to_device(params['place'], inputs)
            chosen = resize_mask(mask, place.shape[1:]).bool()
            place = place.expand(n, -1, -1)
            own = torch.arange(place[0].numel(), device=place.device)
            moves = torch.stack(
                [own.view_as(place[0]).expand_as(place), place], 1)
        lam = area_lambda(mask if self.lam == 'area' else cells.float())
        return MixedBatch(
            inputs=paste_masked(inputs, source, chosen.expand(n, -1, -1),
                                place),
            labels=labels,
            source=source,
            lam=lam.expand(n),
            mask=mask.expand(n, -1, -1),
            kind=self.kind,
            moves=moves,
            mixer='MaskMix')


def random_cells(rng: np.random.Generator, tau: np.ndarray, count: np.ndarray,
                 grid: Tuple[int, int]) -> np.ndarray:
    """``count`` cells anywhere."""
    chosen = np.arange(grid[0] * grid[1]) < count[:, None]
    return rng.permuted(chosen, axis=1).reshape(-1, *grid)


def region_cells(rng: np.random.Generator, tau: np.ndarray, count: np.ndarray,
                 grid: Tuple[int, int]) -> np.ndarray:
    """CutMix's box in units of cells, its borders rounded."""
    side = np.sqrt(tau)[:, None] * grid
    centre = rng.random(side.shape) * grid
    corners = [centre - side / 2, centre + side / 2]
    boxes = np.hstack(np.floor(np.clip(corners, 0, grid) + 0.5))
    return box_masks(torch.from_numpy(boxes).long(), grid).bool().numpy()


def block_cells(rng: np.random.Generator, tau: np.ndarray, count: np.ndarray,
                grid: Tuple[int, int]) -> np.ndarray:
    """Rectangles of cells, see :func:`block_mask`."""
    return np.stack([block_mask(rng, number, grid) for number in count])


def block_mask(rng: np.random.Generator, count: int,
               grid: Tuple[int, int]) -> np.ndarray:
    """Rectangles of cells, until there are ``count`` cells or ten rectangles
    in a row did not fit."""
    mask = np.zeros(grid, bool)
    missing, failed = count, 0
    while missing and failed < 10:
        failed += 1
        area = rng.uniform(1, missing)
        ratio = math.exp(rng.uniform(math.log(0.3), -math.log(0.3)))
        height = round(math.sqrt(area * ratio))
        width = round(math.sqrt(area / ratio))
        if height > grid[0] or width > grid[1]:
            continue
        top = rng.integers(grid[0] - height, endpoint=True)
        left = rng.integers(grid[1] - width, endpoint=True)
        block = mask[top:top + height, left:left + width]
        new = block.size - np.count_nonzero(block)
        if 0 < new <= missing:
            block[:] = True
            missing, failed = missing - new, 0
    return mask


# (rng, tau, count, grid) -> (M, h, w) bool, for M masks; tau and count (M,)
STRATEGIES = dict(random=random_cells, block=block_cells, region=region_cells)


def cell_size(scale: float, patch_size: int, alignment: str) -> int:
    """Side of a cell in pixels."""
    cell = scale * patch_size
    if alignment == 'sub_patch':
        if not (0 < scale < 1 and cell == int(cell)):
            raise MmmixError(
                "alignment='sub_patch' requires a `scale` between 0 and 1 "
                f'that gives whole pixels at patch_size={patch_size}, not '
                f'{scale!r}.')
    elif not (scale >= 1 and scale == int(scale)):
        raise MmmixError(
            '`scale` must be a whole number of patches, at least 1, not '
            f"{scale!r}; smaller cells require alignment='sub_patch'.")
    return int(cell)
