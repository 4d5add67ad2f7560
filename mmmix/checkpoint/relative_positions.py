"""Position tables for another grid."""
from typing import Sequence

import torch.nn.functional as F
from torch import Tensor

from mmmix.errors import MmmixError


def resize_relative_positions(table: Tensor, source: Sequence[int],
                              window: Sequence[int]) -> Tensor:
    """Resize the relative position biases of a window to another window.

    A window of ``h`` x ``w`` places knows ``2h - 1`` x ``2w - 1`` offsets.
    They are resized as an image is, bicubic, as Swin's public code does when
    it fine-tunes with another window; offset zero stays where it is.

    Args:
        table (Tensor): ``(offsets, heads)``, the offsets row by row.
        source (Sequence[int]): Height and width of the table's window.
        window (Sequence[int]): Height and width of the wanted window.

    Returns:
        Tensor: ``(offsets of the wanted window, heads)`` in the dtype of
        ``table``.

    Raises:
        ValueError: If the table is not that of a ``source`` window.
    """
    rows, columns = (2 * side - 1 for side in source)
    if table.ndim != 2 or len(table) != rows * columns:
        raise MmmixError(
            f'A window of {source[0]} x {source[1]} has {rows} x {columns} '
            f'offsets, but the table is of shape {tuple(table.shape)}.')
    if tuple(source) == tuple(window):
        return table
    image = table.T.reshape(1, -1, rows, columns).float()
    image = F.interpolate(
        image,
        size=[2 * side - 1 for side in window],
        mode='bicubic',
        align_corners=False)
    return image.flatten(2)[0].T.to(table.dtype)
