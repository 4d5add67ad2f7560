"""Maps with several values at each place, such as features or soft labels."""
from typing import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


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
