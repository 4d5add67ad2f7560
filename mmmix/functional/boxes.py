"""Boxes on an attention map: their sums, and the box of extreme sum."""
from typing import Sequence, Tuple, Union

import torch
from torch import Tensor

from mmmix.errors import MmmixError

Sizes = Union[Sequence[int], Tensor]


def _check_sizes(sizes: Sizes, attention: Tensor) -> Tensor:
    """Box sizes as an ``(N, 2)`` tensor on the map's device.

    Sizes are checked only if they are on the CPU; checking values on a GPU
    would force a synchronisation.
    """
    if attention.ndim != 3:
        raise MmmixError('`attention` must have shape (N, h, w), but has '
                         f'{tuple(attention.shape)}.')
    sizes = torch.as_tensor(sizes, dtype=torch.long)
    n, height, width = attention.shape
    if sizes.shape not in ((2, ), (n, 2)):
        raise MmmixError(f'`sizes` must be (h, w) or have shape ({n}, 2), one '
                         f'row for each image, but has {tuple(sizes.shape)}.')
    sizes = sizes.expand(n, 2)
    if sizes.device.type == 'cpu':
        too_large = sizes > torch.tensor([height, width])
        bad = (too_large | (sizes < 0)).any(1)
        if bad.any():
            h, w = sizes[bad][0].tolist()
            raise MmmixError(f'A box of {h} x {w} cells does not fit the '
                             f'{height} x {width} attention map: its sides '
                             'must be between 0 and those of the map.')
    return sizes.to(attention.device, non_blocking=True)


def _integral(attention: Tensor) -> Tensor:
    """Summed-area table ``(N, h + 1, w + 1)``, float64 where available."""
    wide = torch.float32 if attention.device.type == 'mps' else torch.float64
    table = attention.to(wide).cumsum(1).cumsum(2)
    return torch.nn.functional.pad(table, (1, 0, 1, 0))


def box_sums(attention: Tensor, sizes: Tensor) -> Tensor:
    """Sum of an attention map over a box at every possible position.

    Args:
        attention (Tensor): ``(N, h, w)``.
        sizes (Tensor): Box sizes ``(N, 2)`` in cells, checked, on its device.

    Returns:
        Tensor: ``(N, h, w)``: at each cell, the sum over the box whose upper
        left corner is that cell; NaN where the box would leave the map.
        float64 (float32 on a device without float64).

    >>> attention = torch.tensor([[[1., 2., 3.], [4., 5., 6.]]])
    >>> box_sums(attention, torch.tensor([[2, 2]]))
    tensor([[[12., 16., nan],
             [nan, nan, nan]]], dtype=torch.float64)
    """
    n, height, width = attention.shape
    table = _integral(attention)
    top = torch.arange(height, device=attention.device).expand(n, -1)
    left = torch.arange(width, device=attention.device).expand(n, -1)
    bottom = top + sizes[:, :1]
    right = left + sizes[:, 1:]

    def rows(index: Tensor) -> Tensor:
        index = index.clamp(max=height)[..., None]
        return table.gather(1, index.expand(-1, -1, width + 1))

    def columns(table: Tensor, index: Tensor) -> Tensor:
        index = index.clamp(max=width)[:, None]
        return table.gather(2, index.expand(-1, height, -1))

    strip = rows(bottom) - rows(top)
    sums = columns(strip, right) - columns(strip, left)
    outside = (bottom > height)[..., None] | (right > width)[:, None]
    return sums.masked_fill(outside, float('nan'))


def extreme_boxes(attention: Tensor, sizes: Sizes, mode: str) -> Tensor:
    """The most or the least attended box of each image (SMMix, Eq. 7).

    The equation indexes a box by its centre ``(i, j)``; its upper left cell
    is ``(i - floor(h / 2), j - floor(w / 2))``. The search here runs over
    every upper left cell at which the box fits into the map.

    Args:
        attention (Tensor): ``(N, h, w)``.
        sizes (Sequence[int] | Tensor): Box size ``(h, w)`` in cells for all
            images, or a tensor ``(N, 2)`` with one size per image, best kept
            on the CPU.
        mode (str): 'max' or 'min'.

    Returns:
        Tensor: Boxes ``(N, 4)`` in cells. A box of zero height or width has
        zero area.

    Raises:
        MmmixError: If a box is larger than the map or the mode is unknown.

    >>> attention = torch.tensor([[[1., 2., 3.], [4., 5., 6.]]])
    >>> extreme_boxes(attention, (1, 2), 'max')
    tensor([[1, 1, 2, 3]])
    """
    if mode not in ('max', 'min'):
        raise MmmixError(f"`mode` must be 'max' or 'min', not {mode!r}.")
    sizes = _check_sizes(sizes, attention)
    sums = box_sums(attention, sizes).flatten(1)
    if mode == 'min':
        sums = -sums
    best = sums.nan_to_num(nan=-float('inf')).argmax(1)
    width = attention.size(2)
    corner = torch.stack([best // width, best % width], 1)
    return torch.cat([corner, corner + sizes], 1)


def boxes_at_maximum(attention: Tensor, half: Tensor,
                     image_size: Sequence[int]) -> Tensor:
    """Boxes around the most attended place of each image, clipped at the
    borders (SaliencyMix).

    Args:
        attention (Tensor): ``(N, h, w)``; of equal values the first in
            row-major order counts.
        half (Tensor): ``(N, 2)`` or ``(1, 2)`` int64, half the sides of the
            boxes in pixels.
        image_size (Sequence[int]): Height and width in pixels. The centre of a
            box is the pixel in the middle of the map's cell.

    Returns:
        Tensor: Boxes ``(N, 4)`` in pixels.

    >>> attention = torch.tensor([[[0., 0., 0.], [0., 0., 1.]]])
    >>> boxes_at_maximum(attention, torch.tensor([[2, 1]]), (6, 6))
    tensor([[2, 4, 6, 6]])
    """
    n, *grid = attention.shape
    best = attention.flatten(1).argmax(1)
    corners = []
    for axis, (cell, cells, size) in enumerate(
            zip((best // grid[1], best % grid[1]), grid, image_size)):
        centre = (2 * cell + 1) * size // (2 * cells)
        corners.append([(centre + sign * half[:, axis]).clamp(0, size)
                        for sign in (-1, 1)])
    (y1, y2), (x1, x2) = corners
    return torch.stack([y1, x1, y2, x2], 1)


def scale_boxes(boxes: Tensor, grid: Sequence[int],
                image_size: Sequence[int]) -> Tensor:
    """Convert boxes from grid cells to pixels.

    Where the cells are not whole pixels, sides and upper left corners are
    rounded (a half up) and the corner moved inside the image: boxes of as many
    cells have as many pixels wherever they lie.

    Args:
        boxes (Tensor): ``(N, 4)`` in cells.
        grid (Sequence[int]): Number of rows and columns of cells.
        image_size (Sequence[int]): Height and width in pixels.

    Returns:
        Tensor: ``(N, 4)`` in pixels.

    >>> scale_boxes(torch.tensor([[0, 1, 2, 3]]), (14, 14), (224, 224))
    tensor([[ 0, 16, 32, 48]])
    >>> scale_boxes(torch.tensor([[0, 1, 2, 3]]), (14, 14), (32, 32))
    tensor([[0, 2, 5, 7]])
    """
    y1, x1, y2, x2 = boxes.unbind(1)
    top, bottom = _scale(y1, y2, grid[0], image_size[0])
    left, right = _scale(x1, x2, grid[1], image_size[1])
    return torch.stack([top, left, bottom, right], 1)


def _scale(first: Tensor, last: Tensor, cells: int,
           size: int) -> Tuple[Tensor, Tensor]:
    """:func:`scale_boxes` along one axis."""
    side = (2 * (last - first) * size + cells) // (2 * cells)
    start = (2 * first * size + cells) // (2 * cells)
    start = torch.minimum(start, size - side)
    return start, start + side
