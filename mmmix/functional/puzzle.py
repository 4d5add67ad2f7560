"""The energy of a PuzzleMix mask: what each cell and each border costs."""
import math
from typing import Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor

from .devices import copy_to
from .transport import divide


def cell_shares(saliency: Tensor, grid: Sequence[int]) -> Tensor:
    """The share of each cell in an image's saliency.

    Args:
        saliency (Tensor): ``(N, H, W)``, not negative.
        grid (Sequence[int]): Rows and columns of cells; they divide the
            images.

    Returns:
        Tensor: ``(N, h, w)`` float32, summing to 1, or 0 everywhere where the
        saliency is.

    Raises:
        MmmixError: If the grid does not divide the images.

    >>> cell_shares(torch.tensor([[[1., 1., 4., 2.]]]), (1, 2))
    tensor([[[0.2500, 0.7500]]])
    """
    cells = F.avg_pool2d(saliency.float(), divide(saliency, tuple(grid)))
    total = cells.sum((1, 2), keepdim=True)
    return cells / total.clamp(min=torch.finfo(total.dtype).tiny)


def border_differences(
        inputs: Tensor,
        source: Tensor,
        grid: Sequence[int],
        square: int = 4,
        scale: Union[float, Tensor] = 1.) -> Tuple[Tensor, Tensor]:
    r"""How much the pixels on both sides of each border of two cells differ,
    for each choice of which image is shown on either side.

    A difference is the mean of :math:`|a - b|` over channels and the squares
    along the border, a and b being means over a square on one side and the
    one opposite.

    Args:
        inputs (Tensor): Images ``(N, C, H, W)``; each is mixed with the image
            ``source`` of it.
        source (Tensor): ``(N,)`` int64.
        grid (Sequence[int]): Rows h and columns w of cells; they divide the
            images.
        square (int): Side of a square in pixels; where it does not divide
            the cells, the next smaller one that does. Defaults to 4.
        scale (float | Tensor): Factor of all differences, or of each
            channel's ``(C,)``. Defaults to 1.

    Returns:
        tuple[Tensor, Tensor]: Float32, between a cell and the one below,
        ``(2, 2, N, h - 1, w)``, and the one to its right, ``(2, 2, N, h, w -
        1)``. Index 0 stands for an image itself, 1 for its source; the first
        index is for the upper or left cell.

    Raises:
        MmmixError: If the grid does not divide the images.

    >>> images = torch.tensor([[[[0., 5.]]], [[[1., 7.]]]])
    >>> down, right = border_differences(images, torch.tensor([1, 0]), (1, 2))
    >>> right[:, :, 0, 0, 0]  # of 0 or 1 on the left, 5 or 7 on the right
    tensor([[5., 7.],
            [4., 6.]])
    """
    cell = divide(inputs, tuple(grid))
    square = max(
        s for s in range(1,
                         min(square, *cell) + 1)
        if not (cell[0] % s or cell[1] % s))
    down = _across(inputs, source, cell[0], square, scale)
    right = _across(inputs.transpose(2, 3), source, cell[1], square, scale)
    return (_by_cell(down, grid[1]), _by_cell(right, grid[0]).transpose(3, 4))


def _across(inputs: Tensor, source: Tensor, height: int, square: int,
            scale: Union[float, Tensor]) -> Tensor:
    """Differences across the borders of rows of cells of a height, along
    these: ``(2, 2, N, rows - 1, squares)``."""
    rows = inputs.unflatten(2, (-1, height))
    scale = copy_to(torch.as_tensor(scale), inputs.device).view(-1, 1, 1)
    above, below = (
        _squares(part, square) * scale
        for part in (rows[:, :, :-1, -square:], rows[:, :, 1:, :square]))
    return torch.stack([
        torch.stack([(a - b).abs().mean(1) for b in (below, below[source])])
        for a in (above, above[source])
    ])


def _squares(strips: Tensor, square: int) -> Tensor:
    """Means of the squares of strips ``(N, C, rows, square, W)``."""
    return strips.unflatten(4, (-1, square)).float().mean((3, 5))


def _by_cell(differences: Tensor, columns: int) -> Tensor:
    return differences.unflatten(4, (columns, -1)).mean(5)


def puzzle_costs(shares: Tensor, source: Tensor, differences: Tuple[Tensor,
                                                                    Tensor],
                 lam: float, levels: int, beta: float, gamma: float,
                 eta: float) -> Tuple[Tensor, Tensor, Tensor]:
    r"""The terms of the energy of a mask z, the weight of the source.

    .. math::
        E(z) = \sum_i \bigl( z_i s^{own}_i + (1 - z_i) s^{source}_i
        - \tfrac{\eta}{hw} \log p(z_i) \bigr)
        + \beta' \sum_{i \sim j} \bigl( (z_i - z_j)^2
        + \gamma\, d_{ij}(z_i, z_j) \bigr)

    The first two terms are the saliency that is hidden; p is the binomial
    distribution of :math:`(m - 1) z` with mean :math:`(m - 1) \lambda`;
    :math:`\beta' = \beta / 16 n`, n being the lesser number of rows and
    columns; d is the difference of the pixels across the border that z shows,
    between whole labels interpolated: linear in each z, plus a multiple of
    :math:`(z_i - z_j)^2`.

    Args:
        shares (Tensor): See :func:`cell_shares`, ``(N, h, w)``.
        source (Tensor): ``(N,)`` int64.
        differences (tuple[Tensor, Tensor]): See :func:`border_differences`.
        lam (float): Expected weight of the source.
        levels (int): Number m of values of z.
        beta, gamma, eta (float): Weights of the terms.

    Returns:
        tuple[Tensor, Tensor, Tensor]: What :func:`cut_grid` minimises: cost
        of each level ``(N, h, w, m)``, and weights between neighbours ``(N, h
        - 1, w)`` and ``(N, h, w - 1)``. The energy is theirs up to a number
        for each image.
    """
    h, w = shares.shape[1:]
    beta = beta / (16 * min(h, w))
    pixels = beta * gamma
    slope = shares - shares[source]
    weights = []
    for dim, ((oo, os), (so, ss)) in ((1, differences[0]), (2,
                                                            differences[1])):
        weights.append(beta + pixels * (so + os - ss - oo) / 2)
        first = pixels * (so + ss - oo - os) / 2
        second = pixels * (os + ss - oo - so) / 2
        slope = slope + _padded(first, dim, 1) + _padded(second, dim, 0)
    z = torch.linspace(0, 1, levels, device=shares.device)
    prior = [
        -eta / (h * w) * math.log(
            math.comb(levels - 1, k) * lam**k *
            (1 - lam)**(levels - 1 - k) + 1e-8) for k in range(levels)
    ]
    unary = slope[..., None] * z + copy_to(torch.tensor(prior), z.device)
    return unary, weights[0], weights[1]


def _padded(values: Tensor, dim: int, at_end: int) -> Tensor:
    """With one zero more along a dimension, at its beginning or end."""
    zeros = torch.zeros_like(values.narrow(dim, 0, 1))
    return torch.cat([values, zeros] if at_end else [zeros, values], dim)
