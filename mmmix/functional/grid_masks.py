"""Masks made of the square cells of a grid that is laid over an image."""
import math
from typing import Sequence, Tuple

import torch
from torch import Tensor

from mmmix.errors import MmmixError


def grid_shape(
    image_size: Sequence[int],
    cell: Sequence[int],
    offset: Sequence[int] = (0, 0)) -> Tuple[int, int]:
    """Rows and columns of cells that cover an image.

    Args:
        image_size (Sequence[int]): Height and width in pixels.
        cell (Sequence[int]): Height and width of a cell in pixels.
        offset (Sequence[int]): How many pixels the grid's upper left corner
            lies above and left of the image's. Defaults to (0, 0).
    """
    height, width = (-(-(size + start) // step)
                     for size, step, start in zip(image_size, cell, offset))
    return height, width


def top_cells(priority: Tensor, count: Tensor) -> Tensor:
    """Choose a number of cells, those of the lowest values.

    Args:
        priority (Tensor): ``(N, h, w)``.
        count (Tensor): ``(N,)`` integers, how many cells are chosen.

    Returns:
        Tensor: ``(N, h, w)`` bool; exactly ``count`` cells are True: of equal
        values the first ones.
    """
    rank = priority.flatten(1).argsort(dim=1, stable=True).argsort(1)
    return (rank < count[:, None]).view_as(priority)


def crop_cells(cells: Tensor,
               image_size: Sequence[int],
               cell: Sequence[int],
               offset: Sequence[int] = (0, 0)) -> Tensor:
    """Chosen cells as a mask of the image.

    What sticks out of the image is cut off. The mask lies on the coarsest
    grid over the image that holds it exactly: one of the cells themselves
    where they divide the image, of pixels at worst.

    Args:
        cells (Tensor): ``(N, h, w)`` on a grid of :func:`grid_shape`.
        image_size (Sequence[int]): Height and width in pixels.
        cell (Sequence[int]): Height and width of a cell in pixels.
        offset (Sequence[int]): As in :func:`grid_shape`.

    Returns:
        Tensor: ``(N, h', w')`` in the dtype of ``cells``; ``h'`` divides the
        height of the image, ``w'`` its width.

    Raises:
        ValueError: If the cells are not those of a grid over the image.
    """
    grid = grid_shape(image_size, cell, offset)
    if cells.ndim != 3 or cells.shape[1:] != grid:
        raise MmmixError(
            f'Cells of {tuple(cell)} pixels, moved by {tuple(offset)}, cover '
            f'an image of {tuple(image_size)} pixels by a grid of {grid}: '
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
    r"""Chosen cells of a grid that need not divide the image, as its mask.

    Cell i of n covers the pixels from :math:`\lfloor i H / n + 1/2 \rfloor`
    up to where the next one begins, so that together they cover the image.

    Args:
        cells (Tensor): ``(N, h, w)``.
        image_size (Sequence[int]): Height and width in pixels, at least
            ``h`` and ``w``.

    Returns:
        Tensor: The cells as they are along a side that they divide, one
        value for each pixel along the others.

    Raises:
        ValueError: If there are more cells than pixels.
    """
    for axis, size in enumerate(image_size, start=1):
        count = cells.size(axis)
        if count > size:
            raise MmmixError(
                f'{count} cells do not fit into a side of {size} pixels: '
                'take a coarser grid.')
        if size % count:
            pixel = torch.arange(size, device=cells.device)
            # the last cell that begins at or before the pixel
            cell = ((2 * pixel + 1) * count - 1) // (2 * size)
            cells = cells.index_select(axis, cell)
    return cells
