"""Pasting a box of one image into another place of the next."""
from typing import Sequence

import torch
from torch import Tensor


def _check(inputs: Tensor, source: Tensor) -> None:
    if inputs.ndim != 4:
        raise ValueError('`inputs` must have shape (N, C, H, W), but has '
                         f'{tuple(inputs.shape)}.')
    if source.shape != inputs.shape[:1]:
        raise ValueError(
            f'`source` must name one image for each of the {inputs.size(0)} '
            f'inputs, but has shape {tuple(source.shape)}.')


def _check_box(box: Sequence[int], inputs: Tensor) -> None:
    height, width = inputs.shape[-2:]
    y1, x1, y2, x2 = box
    if not (0 <= y1 <= y2 <= height and 0 <= x1 <= x2 <= width):
        raise ValueError(f'The box {tuple(box)} (y1, x1, y2, x2) leaves the '
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
            raise ValueError(f'`{name}` must have shape ({inputs.size(0)}, '
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
            raise ValueError(f'Image {i}: source box {s} and target box {t} '
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
