"""Maps with several values at each place, such as features or soft labels."""
from typing import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import roi_align


def blend_maps(maps: Tensor, pasted: Tensor, mask: Tensor) -> Tensor:
    r"""Blend maps place by place.

    .. math::
        (1 - \sum_s m_s) v + \sum_s m_s v_s

    Args:
        maps (Tensor): v, one map for each image ``(N, K, h, w)``.
        pasted (Tensor): :math:`v_s`, what is mixed in: ``(N, K, h, w)``, or
            ``(N, S, K, h, w)`` from several sources.
        mask (Tensor): Its weights m at each place, in [0, 1]: ``(N, h, w)``
            or ``(N, S, h, w)``.

    Returns:
        Tensor: ``(N, K, h, w)``.

    >>> maps, pasted = torch.zeros(1, 1, 1, 3), torch.ones(1, 1, 1, 3)
    >>> blend_maps(maps, pasted, torch.tensor([[[0., 0.25, 1.]]]))
    tensor([[[[0.0000, 0.2500, 1.0000]]]])
    """
    mask = mask.to(maps.dtype)
    if mask.ndim == 3:
        return maps.lerp(pasted, mask[:, None])
    mixed = torch.einsum('nshw,nskhw->nkhw', mask, pasted)
    return mixed + maps * (1 - mask.sum(1, keepdim=True))


def move_boxes(maps: Tensor, source_boxes: Tensor, target_boxes: Tensor,
               image_size: Sequence[int]) -> Tensor:
    """Move what a map has in one box to another box.

    The box is stretched to the size of the other. Its values are read by
    bilinear interpolation, those at the border of the map also beyond it.
    Outside of the target box the result is meaningless.

    Args:
        maps (Tensor): ``(N, K, h, w)``.
        source_boxes (Tensor): ``(N, 4)`` in pixels.
        target_boxes (Tensor): ``(N, 4)`` in pixels.
        image_size (Sequence[int]): Height and width of the images in pixels.

    Returns:
        Tensor: ``(N, K, h, w)``.

    >>> maps = torch.tensor([[[[1., 2., 3.]]]])
    >>> source, target = (torch.tensor([[0, x, 1, x + 1]]) for x in (2, 0))
    >>> move_boxes(maps, source, target, (1, 3))[..., 0]
    tensor([[[3.]]])
    """
    grid = maps.shape[-2:]
    dtype = torch.promote_types(maps.dtype, torch.float32)
    rows, columns = (_origins(source_boxes[:, axis::2],
                              target_boxes[:, axis::2], side, cells, dtype)
                     for axis, side, cells in zip((0, 1), image_size, grid))
    places = torch.stack([
        columns[:, None].expand(-1, grid[0], -1), rows[:, :, None].expand(
            -1, -1, grid[1])
    ], -1)
    moved = F.grid_sample(
        maps.to(dtype), places, padding_mode='border', align_corners=False)
    return moved.to(maps.dtype)


def _origins(source: Tensor, target: Tensor, side: int, cells: int,
             dtype: torch.dtype) -> Tensor:
    """Along one side, the place in -1..1 that each cell's centre comes from,
    ``(N, cells)``, where ``source`` ``(N, 2)`` is moved to ``target``."""
    centre = (torch.arange(cells, device=source.device) + 0.5) * side / cells
    from_start, from_end = source.to(dtype).unbind(1)
    start, end = target.to(dtype).unbind(1)
    stretch = (from_end - from_start) / (end - start).clamp(min=1)
    origin = from_start[:, None] + (centre - start[:, None]) * stretch[:, None]
    return (2 * origin / side - 1).to(dtype)


def dense_maps(values: Tensor, indices: Tensor, num_classes: int) -> Tensor:
    """Maps of all classes from the best classes of each place; 0 elsewhere.

    Args:
        values (Tensor): Scores of the k best classes ``(N, k, h, w)``.
        indices (Tensor): Which classes these are, ``(N, k, h, w)``, whole
            numbers in any dtype.
        num_classes (int): How many classes there are.

    Returns:
        Tensor: ``(N, num_classes, h, w)`` in the dtype of ``values``.

    >>> values = torch.tensor([[[[5.]], [[2.]]]])
    >>> indices = torch.tensor([[[[1]], [[3]]]])
    >>> dense_maps(values, indices, 4).flatten()
    tensor([0., 5., 0., 2.])
    """
    n, _, height, width = values.shape
    zeros = values.new_zeros(n, num_classes, height, width)
    return zeros.scatter(1, indices.long(), values)


def crop_maps(maps: Tensor, boxes: Tensor, grid: Sequence[int]) -> Tensor:
    """Cut a box out of each map and average it onto a grid, by RoI-align.

    Args:
        maps (Tensor): ``(N, K, h, w)``.
        boxes (Tensor): ``(N, 4)``, ``(y1, x1, y2, x2)`` as shares of the
            sides. What lies more than a cell outside the map is 0.
        grid (Sequence[int]): Height and width of the grid.

    Returns:
        Tensor: ``(N, K, *grid)``, float32 (float64 for float64).

    >>> maps = torch.arange(4.).view(1, 1, 2, 2)
    >>> crop_maps(maps, torch.tensor([[0., 0.5, 1., 1.]]), (2, 1))
    tensor([[[[1.],
              [3.]]]])
    """
    maps = maps.to(torch.promote_types(maps.dtype, torch.float32))
    height, width = maps.shape[-2:]
    y1, x1, y2, x2 = boxes.to(maps.dtype).unbind(1)
    image = torch.arange(len(maps), device=maps.device).to(maps.dtype)
    rois = torch.stack(
        [image, x1 * width, y1 * height, x2 * width, y2 * height], 1)
    return roi_align(maps, rois, tuple(grid), aligned=True)
