"""Pasting regions of one image into the next: boxes, and cells of a grid."""
from typing import Optional, Sequence

import torch
from torch import Tensor

from mmmix.errors import MmmixError

# pixels: narrower cells are copied pixel by pixel, not as pieces of a line
NARROW = 8


def _check(inputs: Tensor, source: Tensor) -> None:
    if inputs.ndim != 4:
        raise MmmixError('`inputs` must have shape (N, C, H, W), but has '
                         f'{tuple(inputs.shape)}.')
    if source.shape != inputs.shape[:1]:
        raise MmmixError(
            f'`source` must name one image for each of the {inputs.size(0)} '
            f'inputs, but has shape {tuple(source.shape)}.')


def _check_box(box: Sequence[int], inputs: Tensor) -> None:
    height, width = inputs.shape[-2:]
    y1, x1, y2, x2 = box
    if not (0 <= y1 <= y2 <= height and 0 <= x1 <= x2 <= width):
        raise MmmixError(f'The box {tuple(box)} (y1, x1, y2, x2) leaves the '
                         f'{height} x {width} image.')


def paste_boxes(inputs: Tensor, source: Tensor, source_boxes: Tensor,
                target_boxes: Tensor) -> Tensor:
    """Paste a box of each source image into its target image (SMMix, Eq. 8).

    Image ``i`` gets, at ``target_boxes[i]``, the pixels that image
    ``source[i]`` has at ``source_boxes[i]``; the two boxes have the same
    size. The input is left as it is.

    Args:
        inputs (Tensor): ``(N, C, H, W)``.
        source (Tensor): ``(N,)`` int64, index of the image pasted in.
        source_boxes (Tensor): ``(N, 4)`` in pixels.
        target_boxes (Tensor): ``(N, 4)`` in pixels.

    Returns:
        Tensor: Mixed images ``(N, C, H, W)``.

    Raises:
        ValueError: If shapes do not fit; on the CPU also if a box leaves the
            image or the two boxes differ in size.
    """
    _check(inputs, source)
    for name, boxes in (('source_boxes', source_boxes), ('target_boxes',
                                                         target_boxes)):
        if boxes.shape != (inputs.size(0), 4):
            raise MmmixError(f'`{name}` must have shape ({inputs.size(0)}, '
                             f'4), but has {tuple(boxes.shape)}.')
    if inputs.device.type == 'cpu':
        return _paste_by_slices(inputs, source, source_boxes, target_boxes)
    return _paste_by_index(inputs, source, source_boxes, target_boxes)


def _paste_by_slices(inputs, source, source_boxes, target_boxes):
    """A copy and one slice an image: the fastest on a CPU."""
    mixed = inputs.clone()
    for i, (j, s, t) in enumerate(
            zip(source.tolist(), source_boxes.tolist(),
                target_boxes.tolist())):
        if (s[2] - s[0], s[3] - s[1]) != (t[2] - t[0], t[3] - t[1]):
            raise MmmixError(f'Image {i}: source box {s} and target box {t} '
                             'must have the same size.')
        _check_box(s, inputs)
        _check_box(t, inputs)
        mixed[i, :, t[0]:t[2], t[1]:t[3]] = inputs[j, :, s[0]:s[2], s[1]:s[3]]
    return mixed


def _paste_by_index(inputs, source, source_boxes, target_boxes):
    """One gather for the batch, without looking at a value: for a GPU."""
    n, channels, height, width = inputs.shape
    device = inputs.device
    y = torch.arange(height, device=device).view(1, height, 1)
    x = torch.arange(width, device=device).view(1, 1, width)
    y1, x1, y2, x2 = target_boxes.view(n, 4, 1, 1).unbind(1)
    inside = (y >= y1) & (y < y2) & (x >= x1) & (x < x2)
    down, right = (source_boxes - target_boxes)[:, :2].view(n, 2, 1,
                                                            1).unbind(1)
    image = torch.where(inside, source.view(n, 1, 1),
                        torch.arange(n, device=device).view(n, 1, 1))
    row = torch.where(inside, y + down, y)
    column = torch.where(inside, x + right, x)
    channel = torch.arange(channels, device=device).view(1, channels, 1, 1)
    return inputs[image[:, None], channel, row[:, None], column[:, None]]


def paste_shared_box(inputs: Tensor, source: Tensor,
                     box: Sequence[int]) -> Tensor:
    """Paste the same box at its own place in every image (CutMix, Eq. 1).

    Args:
        inputs (Tensor): ``(N, C, H, W)``.
        source (Tensor): ``(N,)`` int64, index of the image pasted in.
        box (Sequence[int]): ``(y1, x1, y2, x2)`` in pixels.

    Returns:
        Tensor: Mixed images ``(N, C, H, W)``; the input is left as it is.

    Raises:
        ValueError: If shapes do not fit, or the box leaves the image.
    """
    _check(inputs, source)
    _check_box(box, inputs)
    y1, x1, y2, x2 = box
    mixed = inputs.clone()
    mixed[..., y1:y2, x1:x2] = inputs[..., y1:y2, x1:x2][source]
    return mixed


def paste_masked(inputs: Tensor,
                 source: Tensor,
                 mask: Tensor,
                 place: Optional[Tensor] = None) -> Tensor:
    """Paste the chosen cells of a grid into each image (MixPro, Eq. 7).

    Image ``i`` gets, where ``mask[i]`` is True, the pixels of image
    ``source[i]``. The input is left as it is.

    Args:
        inputs (Tensor): ``(N, C, H, W)``.
        source (Tensor): ``(N,)`` int64, index of the image pasted in.
        mask (Tensor): ``(N, h, w)`` bool on a grid that divides the image;
            that of the pixels always does. The wider the cells the faster.
        place (Tensor, optional): ``(N, h, w)`` int64: which cell of the
            source, counted line by line, is pasted here. It matters only
            where the mask is True. Defaults to None, the cell at the same
            place.

    Returns:
        Tensor: Mixed images ``(N, C, H, W)``.

    Raises:
        ValueError: If shapes do not fit, or the mask is not boolean.
    """
    _check(inputs, source)
    n, _, height, width = inputs.shape
    if mask.dtype != torch.bool or mask.ndim != 3 or mask.size(
            0) != n or height % mask.size(1) or width % mask.size(2):
        raise MmmixError(
            f'`mask` must be a bool tensor ({n}, h, w) on a grid that divides '
            f'the {height} x {width} image, but is {mask.dtype} of shape '
            f'{tuple(mask.shape)}: resize it to the pixels.')
    if place is not None and place.shape != mask.shape:
        raise MmmixError(f'`place` must have the shape {tuple(mask.shape)} of '
                         f'the mask, but has {tuple(place.shape)}.')
    if place is None and width // mask.size(2) < NARROW:
        return _paste_by_pixels(inputs, source, mask)
    return _paste_by_pieces(inputs, source, mask, place)


def _paste_by_pieces(inputs, source, mask, place=None):
    """One gather of the pieces of image lines that the cells consist of."""
    n, channels, height, width = inputs.shape
    h, w = mask.shape[1:]
    device = inputs.device
    image = torch.where(mask, source.view(n, 1, 1),
                        torch.arange(n, device=device).view(n, 1, 1))
    cell = torch.arange(h * w, device=device).view(1, h, w)
    if place is not None:
        cell = torch.where(mask, place, cell)
    # all pieces, counted along (N, C, H, w)
    line = image * channels * height + cell // w * (height // h)
    below = torch.arange(
        channels, device=device).view(-1, 1, 1, 1) * height + torch.arange(
            height // h, device=device).view(-1, 1)
    piece = (line[:, None, :, None] + below) * w + (cell % w)[:, None, :, None]
    pieces = inputs.reshape(-1, width // w)
    return pieces.index_select(0, piece.flatten()).view(inputs.shape)


def _paste_by_pixels(inputs, source, mask):
    """A choice for each pixel, on a CPU image by image: no copy of all the
    sources is made there."""
    n, _, height, width = inputs.shape
    h, w = mask.shape[1:]
    mask = mask[:, None, :, None, :,
                None].expand(n, 1, h, height // h, w,
                             width // w).reshape(n, 1, height, width)
    if inputs.device.type != 'cpu':
        return torch.where(mask, inputs[source], inputs)
    mixed = torch.empty_like(inputs)
    for i, j in enumerate(source.tolist()):
        torch.where(mask[i], inputs[j], inputs[i], out=mixed[i])
    return mixed
