"""Mixing images with others: boxes or cells pasted, or pixels blended."""
from typing import Iterable, Optional, Sequence, Union

import torch
from torch import Tensor

from mmmix.errors import MmmixError
from .features import blend_features, check_floating
from .transport import move_cells

# Cells narrower than this many pixels are copied pixel by pixel, wider ones as
# pieces of image rows.
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


def _one_by_one(*tensors: Tensor) -> bool:
    """Whether images are written one after the other into memory of their
    own, the fastest on a CPU, which autograd does not allow."""
    return all(t.device.type == 'cpu' and not t.requires_grad for t in tensors)


def paste_boxes(inputs: Tensor, source: Tensor, source_boxes: Tensor,
                target_boxes: Tensor) -> Tensor:
    """Paste a box of each source image into its target image (SMMix, Eq. 8).

    Image ``i`` receives, at ``target_boxes[i]``, the pixels of image
    ``source[i]`` at ``source_boxes[i]``; the two boxes must have the same
    size. The input is not modified.

    Args:
        inputs (Tensor): ``(N, C, H, W)``.
        source (Tensor): ``(N,)`` int64, index of the image that is pasted.
        source_boxes (Tensor): ``(N, 4)`` in pixels.
        target_boxes (Tensor): ``(N, 4)`` in pixels.

    Returns:
        Tensor: Mixed images ``(N, C, H, W)``.

    Raises:
        MmmixError: If shapes do not match; on the CPU also if a box leaves
            the image or the two boxes differ in size.

    >>> inputs = torch.tensor([[[[1, 2, 3]]], [[[4, 5, 6]]]])
    >>> source_boxes = torch.tensor([[0, 0, 1, 2], [0, 0, 1, 2]])
    >>> target_boxes = torch.tensor([[0, 1, 1, 3], [0, 1, 1, 3]])
    >>> mixed = paste_boxes(inputs, torch.tensor([1, 0]), source_boxes,
    ...                     target_boxes)
    >>> mixed.flatten(1)
    tensor([[1, 4, 5],
            [4, 1, 2]])
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


def _paste_by_slices(inputs: Tensor, source: Tensor, source_boxes: Tensor,
                     target_boxes: Tensor) -> Tensor:
    """A clone and one slice assignment per image, the fastest on a CPU."""
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


def _paste_by_index(inputs: Tensor, source: Tensor, source_boxes: Tensor,
                    target_boxes: Tensor) -> Tensor:
    """One gather for the batch, without a synchronisation: for a GPU."""
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
    """Paste one box, at its original position, in all images (CutMix, Eq. 1).

    Args:
        inputs (Tensor): ``(N, C, H, W)``.
        source (Tensor): ``(N,)`` int64, index of the image that is pasted.
        box (Sequence[int]): ``(y1, x1, y2, x2)`` in pixels.

    Returns:
        Tensor: Mixed images ``(N, C, H, W)``; the input is not modified.

    Raises:
        MmmixError: If shapes do not match or the box leaves the image.

    >>> inputs = torch.tensor([[[[1, 2, 3]]], [[[4, 5, 6]]]])
    >>> paste_shared_box(inputs, torch.tensor([1, 0]), (0, 1, 1, 3)).flatten(1)
    tensor([[1, 5, 6],
            [4, 2, 3]])
    """
    _check(inputs, source)
    _check_box(box, inputs)
    y1, x1, y2, x2 = box
    mixed = inputs.clone()
    if inputs.device.type != 'cpu':
        mixed[..., y1:y2, x1:x2] = inputs[..., y1:y2, x1:x2][source]
        return mixed
    # one image at a time, which avoids a copy of all the boxes
    for i, j in enumerate(source.tolist()):
        mixed[i, ..., y1:y2, x1:x2] = inputs[j, ..., y1:y2, x1:x2]
    return mixed


def paste_masked(inputs: Tensor,
                 source: Tensor,
                 mask: Tensor,
                 place: Optional[Tensor] = None) -> Tensor:
    """Paste selected cells of a grid into each image (MixPro, Eq. 7).

    Where ``mask[i]`` is True, image ``i`` receives the pixels of image
    ``source[i]``. The input is not modified.

    Args:
        inputs (Tensor): ``(N, C, H, W)``.
        source (Tensor): ``(N,)`` int64, index of the image that is pasted.
        mask (Tensor): ``(N, h, w)`` bool on a grid that divides the image;
            the pixel grid always does. The wider the cells, the faster.
        place (Tensor, optional): ``(N, h, w)`` int64: which cell of the
            source, counted in row-major order, is pasted here. It matters
            only where the mask is True. Defaults to None, the cell at the
            same position.

    Returns:
        Tensor: Mixed images ``(N, C, H, W)``.

    Raises:
        MmmixError: If shapes do not match or the mask is not boolean.

    >>> inputs = torch.tensor([[[[1, 2, 3]]], [[[4, 5, 6]]]])
    >>> mask = torch.tensor([[[True, False, True]], [[False, False, True]]])
    >>> paste_masked(inputs, torch.tensor([1, 0]), mask).flatten(1)
    tensor([[4, 2, 6],
            [4, 5, 3]])
    """
    _check(inputs, source)
    n, _, height, width = inputs.shape
    if mask.dtype != torch.bool or mask.ndim != 3 or mask.size(
            0) != n or height % mask.size(1) or width % mask.size(2):
        raise MmmixError(
            f'`mask` must be a bool tensor ({n}, h, w) on a grid that divides '
            f'the {height} x {width} image, but is {mask.dtype} of shape '
            f'{tuple(mask.shape)}: resize it to the size of the image.')
    if place is not None and place.shape != mask.shape:
        raise MmmixError(f'`place` must have the shape {tuple(mask.shape)} of '
                         f'the mask, but has {tuple(place.shape)}.')
    if place is None and width // mask.size(2) < NARROW:
        return _paste_by_pixels(inputs, source, mask)
    return _paste_by_pieces(inputs, source, mask, place)


def _paste_by_pieces(inputs: Tensor,
                     source: Tensor,
                     mask: Tensor,
                     place: Optional[Tensor] = None) -> Tensor:
    """Cells where they were, or another image's."""
    images = torch.arange(len(inputs), device=inputs.device).view(-1, 1, 1)
    cells = torch.arange(mask[0].numel(), device=inputs.device)
    cells = cells.view(1, *mask.shape[1:]).expand_as(mask)
    if place is not None:
        cells = torch.where(mask, place, cells)
    return move_cells(inputs, cells,
                      torch.where(mask, source.view(-1, 1, 1), images))


def _paste_by_pixels(inputs: Tensor, source: Tensor, mask: Tensor) -> Tensor:
    """Select pixel by pixel; on a CPU one image at a time, which avoids a
    copy of all the sources."""
    n, _, height, width = inputs.shape
    h, w = mask.shape[1:]
    mask = mask[:, None, :, None, :,
                None].expand(n, 1, h, height // h, w,
                             width // w).reshape(n, 1, height, width)
    if not _one_by_one(inputs):
        return torch.where(mask, inputs[source], inputs)
    mixed = torch.empty_like(inputs)
    for i, j in enumerate(source.tolist()):
        torch.where(mask[i], inputs[j], inputs[i], out=mixed[i])
    return mixed


def paste_soft(inputs: Tensor, source: Tensor, mask: Tensor) -> Tensor:
    """Blend each image with its source, with a weight for each pixel.

    Args:
        inputs (Tensor): ``(N, C, H, W)``, floating point.
        source (Tensor): ``(N,)`` int64, index of the image that is mixed in.
        mask (Tensor): ``(N, H, W)`` in [0, 1], weight of the source.

    Returns:
        Tensor: Mixed images ``(N, C, H, W)``; the input is not modified.

    Raises:
        MmmixError: If shapes do not match, or the images are of whole
            numbers.

    >>> inputs = torch.tensor([[[[1., 2.]]], [[[5., 6.]]]])
    >>> mask = torch.tensor([[[0., 1.]], [[.5, .25]]])
    >>> paste_soft(inputs, torch.tensor([1, 0]), mask).flatten(1)
    tensor([[1., 6.],
            [3., 5.]])
    """
    _check(inputs, source)
    check_floating(inputs)
    n, _, height, width = inputs.shape
    if mask.shape != (n, height, width):
        raise MmmixError(f'`mask` must have shape ({n}, {height}, {width}), '
                         f'but has {tuple(mask.shape)}.')
    mask = mask.to(inputs.dtype)[:, None]
    if not _one_by_one(inputs, mask):
        return inputs.lerp(inputs[source], mask)
    return _blend_one_by_one(inputs, source, mask)


def _blend_one_by_one(inputs: Tensor, source: Tensor,
                      weights: Iterable[Union[float, Tensor]]) -> Tensor:
    """One image at a time, which avoids a copy of all the sources; for a
    CPU."""
    mixed = torch.empty_like(inputs)
    for i, (j, weight) in enumerate(zip(source.tolist(), weights)):
        torch.lerp(inputs[i], inputs[j], weight, out=mixed[i])
    return mixed


def blend_images(inputs: Tensor, source: Tensor, lam: Tensor) -> Tensor:
    """Blend each image with its source, with one weight for the whole image.

    Args:
        inputs (Tensor): ``(N, C, H, W)``, floating point.
        source (Tensor): ``(N,)`` int64, index of the image that is mixed in.
        lam (Tensor): ``(N,)`` in [0, 1], weight of the source.

    Returns:
        Tensor: Mixed images ``(N, C, H, W)``; the input is not modified.

    Raises:
        MmmixError: If shapes do not match, or the images are of whole
            numbers.

    >>> inputs = torch.tensor([[[[1., 2.]]], [[[5., 6.]]]])
    >>> lam = torch.tensor([.5, .25])
    >>> blend_images(inputs, torch.tensor([1, 0]), lam).flatten(1)
    tensor([[3., 4.],
            [4., 5.]])
    """
    _check(inputs, source)
    check_floating(inputs)
    if lam.shape != source.shape:
        raise MmmixError(f'`lam` must have shape {tuple(source.shape)}, but '
                         f'has {tuple(lam.shape)}.')
    if not _one_by_one(inputs):
        return blend_features(inputs, source, lam.view(-1, 1, 1, 1))
    return _blend_one_by_one(inputs, source, lam.tolist())
