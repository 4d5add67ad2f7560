from typing import Optional, Sequence, Tuple, Union

import numpy as np
import torch
from torch import Tensor, nn

from mmmix.errors import MmmixError, check_least
from mmmix.functional import (area_lambda, border_differences, cell_shares,
                              cut_grid, move_cells, puzzle_costs, resize_mask,
                              transport_cells)
from mmmix.functional.features import check_floating
from mmmix.functional.min_cut import import_scipy
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance, MixedBatch
from .base import (BatchMixer, Params, check_alpha, check_pairing, pair,
                   to_device)
from .square_grid import check_grids, check_weights, square_cells


@BATCH_AUGMENTS.register_module()
class PuzzleMix(BatchMixer):
    r"""The mask that keeps the saliency of both images, and cells that move.

    `Puzzle Mix: Exploiting Saliency and Local Statistics for Optimal Mixup
    <https://arxiv.org/abs/2009.06962>`_. On a grid of n x n cells (along the
    shorter side of an oblong image n), n drawn from ``grids`` for each batch,
    the mask z of an image, with ``levels`` values in [0, 1], is the one of
    least energy:

    .. math::
        \sum_i \bigl( z_i s^{own}_i + (1 - z_i) s^{source}_i \bigr)
        + \frac{\beta}{16 n} \sum_{i \sim j} \bigl( (z_i - z_j)^2 +
        \gamma\, d_{ij}(z_i, z_j) \bigr)
        - \frac{\eta}{n^2} \sum_i \log p(z_i)

    s is a cell's share in the saliency of its image: the root of the mean
    squared gradient by pixel, which a guide gives; d the difference of the
    pixels on both sides of a border; p a binomial prior with mean
    :math:`\lambda \sim Beta(\alpha, \alpha)`, one for each batch. Then the
    cells of both images move, so that salient ones come to be seen, at a cost
    :math:`\xi` by squared distance, see
    :func:`mmmix.functional.transport_cells`. The label weighs by the mean of
    the mask.

    The numbers are those of the authors' public code, of OpenMixup and of the
    paper's experiments. That code finds the mask by alpha-beta swaps, which
    come near the least energy (0.15 % above on average); here one minimum cut
    finds it exactly, see :func:`mmmix.functional.cut_grid`. **SciPy makes it
    on the CPU, so a GPU waits once in each step.**

    ============================== ========================================
    the paper, public code         the default; on CIFAR with
                                   ``transport_size=4``
    OpenMixup, CIFAR               ``transport_size=4``
    OpenMixup, larger images       ``grids=(2, 4, 8)``
    ============================== ========================================

    What their ``clean_lam`` adds, 1 on Tiny-ImageNet, is
    :class:`~mmmix.models.UnmixedLoss`.

    Args:
        alpha (float): Positive parameter of the Beta distribution. Defaults
            to 1.
        grids (Sequence[int]): Numbers n of cells along the shorter side, at
            least 2, of which one is drawn for each batch. The cells must be
            square and of whole pixels. Defaults to (2, 4, 8, 16).
        levels (int): Number of values of the mask: 2, or 3 with halves, or
            more. Masks of 2 levels make batches of the kind 'regions', others
            'soft' ones. Defaults to 3.
        beta (float): Weight of the mask's smoothness. Defaults to 1.2.
        gamma (float): Weight of the pixels' smoothness, relative to it.
            Defaults to 0.5.
        eta (float): Weight of the prior. Defaults to 0.2.
        neighbourhood (int): Pixels on both sides of a border are averaged
            over squares of so many pixels a side. Defaults to 4.
        transport (bool): Whether cells move. Defaults to True.
        xi (float): Cost of the distance. Defaults to 0.8.
        transport_size (int, optional): Side in pixels of the cells that move,
            where those of the mask are larger. Defaults to None, those of the
            mask.
        std (Sequence[float], optional): That of the data preprocessor, by
            which it divided pixels of 0..255, so that differences of pixels
            can be measured on a scale of 0..1. Defaults to None: what the
            preprocessor of the model has that the mixer is built into; of
            none, images are in 0..1.
        pairing (str): 'shuffle', as in the public code, 'flip' or 'distinct';
            see :func:`~mmmix.models.batch_augments.base.pair`. Defaults to
            'shuffle'.

    Raises:
        MmmixError: If an argument is out of range; in :meth:`sample`, if the
            image does not divide into the cells of every grid.
        ModuleNotFoundError: If SciPy is not installed, when a model is built.

    >>> inputs, labels = torch.rand(2, 3, 32, 32), torch.eye(2)
    >>> guidance = Guidance(saliency=torch.rand(2, 32, 32))
    >>> mixer = PuzzleMix(grids=(4, ))
    >>> params = mixer.sample(np.random.default_rng(0), 2, (32, 32))
    >>> mixed = mixer.mix(inputs, labels, params, guidance)
    >>> mixed.mask.shape, mixed.moves.shape
    (torch.Size([2, 4, 4]), torch.Size([2, 2, 4, 4]))
    """

    requires = frozenset({'saliency'})
    kind = 'soft'

    def __init__(self,
                 alpha: float = 1.0,
                 grids: Sequence[int] = (2, 4, 8, 16),
                 levels: int = 3,
                 beta: float = 1.2,
                 gamma: float = 0.5,
                 eta: float = 0.2,
                 neighbourhood: int = 4,
                 transport: bool = True,
                 xi: float = 0.8,
                 transport_size: Optional[int] = None,
                 std: Optional[Sequence[float]] = None,
                 pairing: str = 'shuffle'):
        check_least('levels', levels, 2)
        check_least('neighbourhood', neighbourhood, 1)
        if transport_size is not None:
            check_least('transport_size', transport_size, 1)
        check_weights(beta=beta, gamma=gamma, eta=eta, xi=xi)
        if std is not None and not (len(std) in (1, 3) and min(std) > 0):
            raise MmmixError('`std` must be one positive number, or one for '
                             f'each channel, not {std!r}.')
        self.alpha = check_alpha(alpha)
        self.grids = check_grids(grids)
        self.levels = levels
        self.kind = 'regions' if levels == 2 else 'soft'
        self.beta = beta
        self.gamma = gamma
        self.eta = eta
        self.neighbourhood = neighbourhood
        self.transport = transport
        self.xi = xi
        self.transport_size = transport_size
        self.std: Union[Sequence[float], Tensor, None] = std
        self.pairing = check_pairing(pairing)

    def check(self, model: nn.Module) -> None:
        import_scipy()
        if self.std is None:
            # of images that were not normalised, of 0..255, it is 1
            std = getattr(model.data_preprocessor, 'std', torch.ones(1))
            self.std = std.flatten()

    def sample(self, rng: np.random.Generator, batch_size: int,
               image_size: Sequence[int]) -> Params:
        grids = [square_cells(n, image_size) for n in self.grids]
        for grid in grids:
            self.transport_grid(grid, image_size)
        return dict(
            source=pair(rng, batch_size, self.pairing),
            grid=grids[rng.integers(len(grids))],
            lam=rng.beta(self.alpha, self.alpha))

    def transport_grid(self, grid: Sequence[int],
                       image_size: Sequence[int]) -> Tuple[int, int]:
        """Rows and columns of the cells that move, with a mask on a grid."""
        cell = image_size[0] // grid[0]
        size = min(self.transport_size or cell, cell)
        if cell % size:
            raise MmmixError(
                f'Cells of {cell} pixels, {grid[0]} x {grid[1]} in an image of'
                ' {} x {} pixels, do not divide into those of `transport_size`'
                f' {size}: choose another size or other `grids`.'.format(
                    *image_size))
        rows, columns = (count * (cell // size) for count in grid)
        return rows, columns

    def mix(self,
            inputs: Tensor,
            labels: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        check_floating(inputs)
        saliency = self.required(guidance, 'saliency')
        source = to_device(params['source'], inputs)
        mask = self.mask(inputs, saliency, source, params)
        moves = self.moves(saliency, source, mask) if self.transport else None
        return MixedBatch(
            inputs=assemble(inputs, source, mask, moves),
            labels=labels,
            source=source,
            lam=area_lambda(mask),
            mask=mask,
            kind=self.kind,
            moves=moves,
            mixer='PuzzleMix')

    def mask(self, inputs: Tensor, saliency: Tensor, source: Tensor,
             params: Params) -> Tensor:
        """The mask of least energy, ``(N, h, w)``."""
        grid = params['grid']
        scale = 1. if self.std is None else torch.as_tensor(self.std) / 255
        differences = border_differences(inputs, source, grid,
                                         self.neighbourhood, scale)
        costs = puzzle_costs(
            cell_shares(saliency, grid), source, differences,
            float(params['lam']), self.levels, self.beta, self.gamma, self.eta)
        return cut_grid(*costs).float() / (self.levels - 1)

    def moves(self, saliency: Tensor, source: Tensor, mask: Tensor) -> Tensor:
        """Which cell of each image and of its source is at each place, ``(N,
        2, h, w)``."""
        grid = self.transport_grid(mask.shape[1:], saliency.shape[1:])
        shares = cell_shares(saliency, grid)
        mask = resize_mask(mask, grid)
        cells = transport_cells(
            torch.cat([shares, shares[source]]),
            torch.cat([mask < 1, mask > 0]), self.xi)
        return torch.stack(cells.chunk(2), 1)


def assemble(inputs: Tensor,
             source: Tensor,
             mask: Tensor,
             moves: Optional[Tensor] = None) -> Tensor:
    """Mix images and their sources by a mask, after their cells moved.

    Args:
        inputs (Tensor): ``(N, C, H, W)``.
        source (Tensor): ``(N,)`` int64.
        mask (Tensor): Weight of the source in each cell of a grid that
            divides the images, ``(N, h, w)``.
        moves (Tensor, optional): See :attr:`MixedBatch.moves`.
    """
    if moves is None:
        own, others = inputs, inputs[source]
    else:
        own = move_cells(inputs, moves[:, 0])
        others = move_cells(inputs, moves[:, 1], source)
    weight = mask.to(inputs.dtype)[:, None, :, None, :, None]

    def by_cell(images):
        return images.unflatten(2, (mask.size(1), -1)).unflatten(
            4, (mask.size(2), -1))

    return by_cell(own).lerp(by_cell(others), weight).view_as(inputs)
