"""Masks: the weight of the source image in each cell of a grid."""
from typing import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def box_masks(boxes: Tensor, grid: Sequence[int]) -> Tensor:
    """Masks that are 1 inside a box of each image and 0 elsewhere.

    Args:
        boxes (Tensor): ``(N, 4)`` in cells of the grid (or in pixels).
        grid (Sequence[int]): Height and width of the grid.

    Returns:
        Tensor: ``(N, h, w)`` float32.

    >>> box_masks(torch.tensor([[0, 1, 2, 2]]), (2, 3))
    tensor([[[0., 1., 0.],
             [0., 1., 0.]]])
    """
    height, width = grid
    y = torch.arange(height, device=boxes.device)
    x = torch.arange(width, device=boxes.device)
    y1, x1, y2, x2 = boxes[..., None].unbind(1)
    rows = ((y >= y1) & (y < y2)).float()
    columns = ((x >= x1) & (x < x2)).float()
    return rows[:, :, None] * columns[:, None, :]


def gaussian_masks(centre: Tensor, sigma: Tensor, grid: Sequence[int],
                   shape: str) -> Tensor:
    r"""Masks that are 1 at a centre and fall as a Gaussian (SmoothMix).

    .. math::
        G_{yx} = e^{-d^2 / 2 \sigma^2}

    With the distance :math:`d` across and along, places of one weight form a
    circle if :math:`d^2 = (y - c_y)^2 + (x - c_x)^2`, and a square if :math:`d
    = \max(|y - c_y|, |x - c_x|)`.

    Args:
        centre (Tensor): ``(M, 2)``, y and x in cells; cell 0 is at 0.
        sigma (Tensor): ``(M,)`` in cells, positive.
        grid (Sequence[int]): Height and width of the grid.
        shape (str): 'circle' or 'square'.

    Returns:
        Tensor: ``(M, h, w)`` in the dtype of ``sigma``.

    >>> centre, sigma = torch.tensor([[0, 1]]), torch.tensor([1.])
    >>> gaussian_masks(centre, sigma, (2, 2), 'circle')
    tensor([[[0.6065, 1.0000],
             [0.3679, 0.6065]]])
    """
    rows, columns = (torch.exp(
        (torch.arange(side, device=centre.device) -
         centre[:, axis, None]).square() / (-2 * sigma[:, None].square()))
                     for axis, side in enumerate(grid))
    rows, columns = rows[:, :, None], columns[:, None, :]
    if shape == 'circle':
        return rows * columns
    return torch.minimum(rows, columns)


def resize_mask(mask: Tensor, grid: Sequence[int]) -> Tensor:
    """Average a mask by area onto any other grid.

    Each new cell holds the exact mean of the old mask over its area, even
    where neither grid divides the other; the mean of the whole mask is
    therefore preserved. If the new grid is a whole multiple of the old one,
    cells are repeated.

    Args:
        mask (Tensor): ``(N, h, w)``, or ``(N, K, h, w)`` for several masks,
            or maps, of each image.
        grid (Sequence[int]): Height and width of the new grid.

    Returns:
        Tensor: ``(N, *grid)`` or ``(N, K, *grid)`` in the mask's dtype.

    >>> resize_mask(torch.tensor([[[1., 0., 0.]]]), (1, 2))
    tensor([[[0.6667, 0.0000]]])
    """
    height, width = grid
    if mask.shape[-2:] == (height, width):
        return mask
    if all(old % new == 0 or new % old == 0
           for old, new in zip(mask.shape[-2:], grid)):
        return F.adaptive_avg_pool2d(mask, (height, width))
    rows = _average_last(mask.transpose(-2, -1), height).transpose(-2, -1)
    return _average_last(rows, width)


def _average_last(mask: Tensor, new: int) -> Tensor:
    """Exact means of the last axis over ``new`` equal parts.

    The running integral of a piecewise constant function is piecewise linear,
    so it can be evaluated at the edges of the parts.
    """
    old = mask.size(-1)
    dtype = mask.dtype
    if mask.device.type != 'mps':  # MPS has no float64
        mask = mask.double()
    integral = F.pad(mask.cumsum(-1), (1, 0))
    edge = torch.arange(new + 1, device=mask.device) * old
    cell = (edge // new).clamp(max=old - 1)
    rest = (edge - cell * new).to(mask.dtype) / new
    at_edge = integral[..., cell] + mask[..., cell] * rest
    return (at_edge.diff(dim=-1) * (new / old)).to(dtype)


def area_lambda(mask: Tensor) -> Tensor:
    """Share of the image's area that comes from the source (SMMix, Eq. 8).

    Args:
        mask (Tensor): ``(N, h, w)``, the mask that was actually pasted.

    Returns:
        Tensor: ``(N,)`` in [0, 1].

    >>> area_lambda(box_masks(torch.tensor([[0, 0, 1, 2]]), (2, 2)))
    tensor([0.5000])
    """
    return mask.mean((1, 2))


def nearest_mask(mask: Tensor, grid: Sequence[int]) -> Tensor:
    """Resize a mask by nearest-neighbour sampling (MixPro, Eq. 5).

    The published labels are computed this way; :func:`resize_mask` averages
    instead. The two differ in the cells that the mask's border crosses.

    Args:
        mask (Tensor): ``(N, h, w)``.
        grid (Sequence[int]): Height and width of the new grid.

    Returns:
        Tensor: ``(N, *grid)`` in the mask's dtype.

    >>> nearest_mask(torch.tensor([[[1., 0., 0.]]]), (1, 2))
    tensor([[[1., 0.]]])
    """
    return F.interpolate(mask[:, None], tuple(grid), mode='nearest')[:, 0]


def box_coverage(boxes: Tensor, image_size: Sequence[int],
                 grid: Sequence[int]) -> Tensor:
    """Share of each cell that a box covers.

    This equals the mask of the box averaged onto the grid, without ever
    building that mask in pixels.

    Args:
        boxes (Tensor): ``(N, 4)`` in pixels.
        image_size (Sequence[int]): Height and width of the images.
        grid (Sequence[int]): Height and width of the grid.

    Returns:
        Tensor: ``(N, h, w)`` float32 in [0, 1].

    >>> box_coverage(torch.tensor([[0, 0, 4, 3]]), (4, 4), (2, 2))
    tensor([[[1.0000, 0.5000],
             [1.0000, 0.5000]]])
    """
    y1, x1, y2, x2 = boxes.float().unbind(1)
    rows = _covered(y1, y2, image_size[0], grid[0])
    columns = _covered(x1, x2, image_size[1], grid[1])
    return rows[:, :, None] * columns[:, None, :]


def _covered(first: Tensor, last: Tensor, side: int, cells: int) -> Tensor:
    """Share of each cell along one side that [first, last) covers."""
    cell = side / cells
    edge = torch.arange(cells, device=first.device) * cell
    overlap = torch.minimum(last[:, None], edge + cell) - torch.maximum(
        first[:, None], edge)
    return overlap.clamp(min=0) / cell
