"""Masks made of the cells of a grid laid over an image."""
import math
from typing import Optional, Sequence, Tuple

import torch
from torch import Tensor

from mmmix.errors import MmmixError


def grid_shape(
    image_size: Sequence[int],
    cell: Sequence[int],
    offset: Sequence[int] = (0, 0)) -> Tuple[int, int]:
    """Number of rows and columns of cells that cover an image.

    Args:
        image_size (Sequence[int]): Height and width in pixels.
        cell (Sequence[int]): Height and width of a cell in pixels.
        offset (Sequence[int]): How many pixels the grid's upper left corner
            lies above and to the left of the image's. Defaults to (0, 0).

    Returns:
        Tuple[int, int]: Rows and columns.

    >>> grid_shape((224, 224), (64, 64))
    (4, 4)
    """
    height, width = (-(-(size + start) // step)
                     for size, step, start in zip(image_size, cell, offset))
    return height, width


def top_cells(priority: Tensor, count: Tensor) -> Tensor:
    """Select a given number of cells, those with the lowest values.

    Args:
        priority (Tensor): ``(N, h, w)``, the lowest value first.
        count (Tensor): ``(N,)`` integers, the number of cells to select.

    Returns:
        Tensor: ``(N, h, w)`` bool, with exactly ``count`` cells True; among
        equal values the first in row-major order.

    >>> priority = torch.tensor([[[.4, .1], [.3, .2]]])
    >>> top_cells(priority, torch.tensor([2]))
    tensor([[[False,  True],
             [False,  True]]])
    """
    rank = priority.flatten(1).argsort(dim=1, stable=True).argsort(1)
    return (rank < count[:, None]).view_as(priority)


def lattice_masks(box: Sequence[int],
                  cell: Sequence[int],
                  hole: Sequence[int],
                  image_size: Sequence[int],
                  wrap_around: bool = False,
                  device: Optional[torch.device] = None) -> Tensor:
    """A lattice of holes: a hole in the upper left corner of each cell of a
    box (GridMixup).

    Args:
        box (Sequence[int]): ``(y1, x1, y2, x2)`` in pixels; it may leave the
            image.
        cell (Sequence[int]): Height and width of a cell in pixels. The first
            begins in the upper left corner of the box, the last are cut off
            at its end.
        hole (Sequence[int]): Height and width of a hole in pixels.
        image_size (Sequence[int]): Height and width in pixels.
        wrap_around (bool): A hole that ends above or to the left of the image
            is at the other end instead, and one that lies across that border
            is left out, as by Python's negative indices. Defaults to False,
            which cuts the holes off at the borders of the image.
        device (torch.device, optional): Of the mask. Defaults to None,
            torch's default.

    Returns:
        Tensor: ``(H, W)`` bool, True in a hole.

    >>> lattice_masks((0, 0, 2, 5), (3, 3), (1, 2), (2, 5))
    tensor([[ True,  True, False,  True,  True],
            [False, False, False, False, False]])
    """
    rows, columns = (_stripes(
        torch.arange(size, device=device), start, stop, step, gap, wrap_around)
                     for size, start, stop, step, gap in zip(
                         image_size, box[:2], box[2:], cell, hole))
    return rows[:, None] & columns


def _stripes(pixel: Tensor, start: int, stop: int, cell: int, hole: int,
             wrap_around: bool) -> Tensor:
    """:func:`lattice_masks` along one axis."""

    def inside(pixel: Tensor) -> Tensor:
        return (pixel >= start) & (pixel < stop) & (
            (pixel - start) % cell < hole)

    if not wrap_around:
        return inside(pixel)
    size = len(pixel)
    first = pixel - (pixel - start) % cell
    before = pixel - size
    end = (before - (before - start) % cell + hole).clamp(max=stop)
    # a hole across the border, of first:end, begins at first + size
    kept = (first >= 0) | (pixel >= first + size)
    return inside(pixel) & kept | inside(before) & (end < 0)


def crop_cells(cells: Tensor,
               image_size: Sequence[int],
               cell: Sequence[int],
               offset: Sequence[int] = (0, 0)) -> Tensor:
    """Turn selected cells into a mask of the image.

    Parts of cells outside the image are cut off. The mask is on the coarsest
    grid over the image that represents it exactly: the cells themselves if
    they divide the image, single pixels in the worst case.

    Args:
        cells (Tensor): ``(N, h, w)`` on the grid of :func:`grid_shape`.
        image_size (Sequence[int]): Height and width in pixels.
        cell (Sequence[int]): Height and width of a cell in pixels.
        offset (Sequence[int]): As in :func:`grid_shape`. Defaults to (0, 0).

    Returns:
        Tensor: ``(N, h', w')`` in the dtype of ``cells``; ``h'`` divides the
        height of the image, ``w'`` its width.

    Raises:
        MmmixError: If the shape of ``cells`` is not that of the grid.

    >>> crop_cells(torch.tensor([[[1, 0]]]), (2, 3), (2, 2))
    tensor([[[1, 1, 0]]])
    """
    grid = grid_shape(image_size, cell, offset)
    if cells.ndim != 3 or cells.shape[1:] != grid:
        raise MmmixError(
            f'Cells of {tuple(cell)} pixels, moved by {tuple(offset)}, cover '
            f'an image of {tuple(image_size)} pixels with a grid of {grid}: '
            f'`cells` must have shape (N, {grid[0]}, {grid[1]}), but has '
            f'{tuple(cells.shape)}.')
    for axis, (size, step, start) in enumerate(
            zip(image_size, cell, offset), start=1):
        unit = math.gcd(size, step, start)
        cells = cells.repeat_interleave(step // unit,
                                        axis).narrow(axis, start // unit,
                                                     size // unit)
    return cells


def stretch_cells(cells: Tensor, image_size: Sequence[int]) -> Tensor:
    r"""Turn selected cells into a mask, even if they do not divide the image.

    Cell i of n covers the pixels from :math:`\lfloor i H / n + 1/2 \rfloor`
    up to the start of the next cell, so that together they cover the image.

    Args:
        cells (Tensor): ``(N, h, w)``.
        image_size (Sequence[int]): Height and width in pixels, at least
            ``h`` and ``w``.

    Returns:
        Tensor: ``(N, h', w')`` in the dtype of ``cells``: along a side that
        the cells divide, the cells unchanged; along any other, one value per
        pixel.

    Raises:
        MmmixError: If there are more cells than pixels.

    >>> stretch_cells(torch.tensor([[[1, 0]]]), (4, 5))
    tensor([[[1, 1, 1, 0, 0]]])
    """
    for axis, size in enumerate(image_size, start=1):
        count = cells.size(axis)
        if count > size:
            raise MmmixError(
                f'{count} cells do not fit into a side of {size} pixels: '
                'use a coarser grid.')
        if size % count:
            pixel = torch.arange(size, device=cells.device)
            # the last cell that begins at or before the pixel
            cell = ((2 * pixel + 1) * count - 1) // (2 * size)
            cells = cells.index_select(axis, cell)
    return cells
