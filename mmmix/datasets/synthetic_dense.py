"""The synthetic set with the annotations of dense tasks, as mmseg and mmdet
read them; neither is imported."""
from typing import List

import numpy as np

from mmmix.registry import DATASETS
from .synthetic import SyntheticObjects

# distinct, and the same in every image; the first is the background's
PALETTE = [(0, 0, 0), (230, 25, 75), (60, 180, 75), (255, 225, 25),
           (0, 130, 200), (245, 130, 48), (145, 30, 180), (70, 240, 240),
           (240, 50, 230), (210, 245, 60), (250, 190, 212)]


@DATASETS.register_module()
class SyntheticSegmentation(SyntheticObjects):
    """:class:`SyntheticObjects` for mmseg: background and the ten classes.

    A sample has the keys of :class:`mmseg.datasets.BaseSegDataset` after its
    files were loaded: ``img``, ``gt_seg_map`` (0 is the background, which
    counts as a class) and ``seg_fields``. So the pipeline loads nothing.

    Args:
        **kwargs: Arguments of :class:`SyntheticObjects`.

    >>> len(SyntheticSegmentation(num_images=2).metainfo['classes'])
    11
    """

    METAINFO = dict(
        classes=('background', *SyntheticObjects.METAINFO['classes']),
        palette=PALETTE)

    def _draw(self, index: int) -> dict:
        drawn = super()._draw(index)
        keys = ('img', 'img_shape', 'ori_shape', 'gt_seg_map')
        return dict({key: drawn[key]
                     for key in keys},
                    seg_fields=['gt_seg_map'],
                    reduce_zero_label=False)


@DATASETS.register_module()
class SyntheticDetection(SyntheticObjects):
    """:class:`SyntheticObjects` for mmdet: one instance per image.

    A sample has the keys of :class:`mmdet.datasets.CocoDataset` after the
    image was loaded: ``img``, ``img_id``, sizes, ``scale_factor`` and
    ``instances``. mmdet's ``LoadAnnotations`` turns the instances into boxes
    and masks, and ``CocoMetric`` without ``ann_file`` reads ``img_id`` and
    ``instances``: pack both by ``meta_keys``.

    Args:
        **kwargs: Arguments of :class:`SyntheticObjects`.

    >>> len(SyntheticDetection(num_images=2)[1]['instances'])
    1
    """

    METAINFO = dict(
        classes=SyntheticObjects.METAINFO['classes'], palette=PALETTE[1:])

    def _draw(self, index: int) -> dict:
        drawn = super()._draw(index)
        h, w = self.size
        instance = dict(
            bbox=drawn['gt_bboxes'][0].tolist(),
            bbox_label=drawn['gt_label'],
            ignore_flag=0,
            mask=dict(size=[h, w], counts=run_lengths(drawn['gt_seg_map'])))
        return dict(
            img=drawn['img'],
            img_id=index,
            img_shape=self.size,
            ori_shape=self.size,
            height=h,
            width=w,
            scale_factor=(1., 1.),  # nothing was resized
            instances=[instance])


def run_lengths(mask: np.ndarray) -> List[int]:
    """Encode a mask ``(h, w)`` as COCO's run lengths: alternately of zeros
    and ones (any other value), column by column; the first, of zeros, may be
    0.

    >>> run_lengths(np.array([[1, 0], [1, 0]]))
    [0, 2, 2]
    """
    ones = np.concatenate(([0], mask.T.ravel() != 0))
    changes = np.flatnonzero(np.diff(ones.astype(np.int8)))
    return np.diff(np.concatenate(([0], changes, [mask.size]))).tolist()
