"""Where the objects of images are, as their data set annotates it."""
from typing import Sequence

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmmix.errors import MmmixError
from mmmix.functional import box_masks

TRUTHS = ('boxes', 'maps')


def truth_maps(samples: Sequence[BaseDataElement],
               size: Sequence[int],
               truth: str = 'boxes') -> Tensor:
    """Where the label of each image can be seen.

    Args:
        samples (Sequence[BaseDataElement]): N data samples.
        size (Sequence[int]): Height and width of the images.
        truth (str): 'boxes': 1 inside any of ``gt_bboxes``; 'maps':
            ``gt_seg_map``, the mask of the object if it holds integers (0 is
            the background and 255 void), otherwise as it is, such as the
            gaze of :class:`mmmix.datasets.LoadGaze`.

    Returns:
        Tensor: ``(N, H, W)`` float32.

    Raises:
        MmmixError: If a sample has no annotation, or one of another size.
    """
    key = dict(boxes='gt_bboxes', maps='gt_seg_map')[truth]
    if not all(key in sample for sample in samples):
        raise MmmixError(
            f'The truth {truth!r} is read from `{key}` of the data samples, '
            'but some have none: the pipeline of the data set must end with '
            f"PackInputs(algorithm_keys=('{key}', )), and load what it "
            'packs.')
    return torch.stack([
        union_of_boxes(sample.gt_bboxes, size)
        if truth == 'boxes' else _given_map(sample.gt_seg_map, size)
        for sample in samples
    ])


def union_of_boxes(boxes, size: Sequence[int]) -> Tensor:
    """1 inside any box ``(x1, y1, x2, y2)`` of a data sample, rounded to
    whole pixels, ``(H, W)`` float32."""
    boxes = torch.as_tensor(boxes).cpu().round().long().reshape(-1, 4)
    boxes = boxes[:, [1, 0, 3, 2]]
    masks = box_masks(boxes, size)
    return masks.amax(0) if len(masks) else torch.zeros(tuple(size))


def map_of_size(values, size: Sequence[int]) -> Tensor:
    """A ``gt_seg_map`` ``(H, W)`` of a data sample, as it is.

    Raises:
        MmmixError: If it has not the size of its image.
    """
    if isinstance(values, np.ndarray):
        values = np.ascontiguousarray(values)  # a flip leaves it reversed
    values = torch.as_tensor(values)
    if values.shape != torch.Size(size):
        raise MmmixError(f'A truth map has the size {tuple(values.shape)} and '
                         f'its image {tuple(size)}: use transforms that '
                         "change both, such as mmcv's Resize and CenterCrop.")
    return values


def _given_map(values, size: Sequence[int]) -> Tensor:
    values = map_of_size(values, size)
    if values.is_floating_point():
        return values.float()
    return ((values != 0) & (values != 255)).float()


def unit_mass(maps: Tensor) -> Tensor:
    """Each map ``(N, h, w)`` divided by its sum, unless that is 0, so that
    small objects and images that were looked at for a shorter time count as
    much as others."""
    total = maps.sum((1, 2), keepdim=True)
    return maps / torch.where(total > 0, total, 1)
