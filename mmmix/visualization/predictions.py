"""Segmentations and detections over their images, beside the truth.

Drawn by the visualizers of mmseg and mmdet, which are not imported here.
"""
from typing import Optional, Sequence, Tuple, Union

import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.structures import BaseDataElement, InstanceData, PixelData
from mmengine.visualization import Visualizer
from torch import Tensor

from mmmix.registry import VISUALIZERS

VISUALIZER_TYPES = {
    'mmseg': dict(type='mmseg.SegLocalVisualizer', alpha=0.6),
    'mmdet': dict(type='mmdet.DetLocalVisualizer', alpha=0.5, line_width=2),
}
# labels on a smaller picture could not be read
SIDE = 480


def prediction_visualizer(toolbox: str, metainfo: dict) -> Visualizer:
    """The visualizer of 'mmseg' or 'mmdet', which is registered already, for
    the names and colours of a data set's classes."""
    visualizer = VISUALIZERS.build(
        dict(VISUALIZER_TYPES[toolbox], name='predictions'))
    visualizer.dataset_meta = metainfo
    return visualizer


def draw_prediction(visualizer: Visualizer,
                    image: np.ndarray,
                    sample: BaseDataElement,
                    score: float = 0.3,
                    boxes: Optional[Sequence] = None) -> Figure:
    """An image, its annotation if the sample has one of the image's size, and
    its prediction side by side.

    Args:
        visualizer (Visualizer): See :func:`prediction_visualizer`.
        image (np.ndarray): uint8 ``(h, w, 3)``, RGB, as it was before any
            resizing.
        sample (SegDataSample | DetDataSample): What the model predicted, on
            the CPU.
        score (float): Lowest score of a drawn instance. Defaults to 0.3.
        boxes (Sequence, optional): ``(K, 4)``, x1, y1, x2, y2 of all objects
            in the image as it was, which tell whether those of the sample were
            resized or flipped with the input: mmdet's test pipelines load
            them afterwards. Defaults to None: they were if the input was.
    """
    size = image.shape[:2]
    factor = max(1, -(-SIDE // max(size)))
    image = image.repeat(factor, 0).repeat(factor, 1)
    panels = dict(image=image)
    prediction = sample.pred_sem_seg if 'pred_sem_seg' in sample \
        else shown_instances(sample, score)
    for title, part in (('annotation', _annotation(sample, size, boxes)),
                        ('prediction', prediction)):
        if part is None:
            continue
        drawn = type(sample)()
        if isinstance(part, PixelData):
            drawn.gt_sem_seg = PixelData(data=_enlarged(part.data, factor))
        else:
            drawn.gt_instances = _enlarged_instances(part, factor)
        # under this name an annotation and a prediction are drawn alike
        visualizer.add_datasample(title, image, drawn, draw_pred=False)
        panels[title] = visualizer.get_image()
    height, width = image.shape[:2]
    side = 4.8  # inches
    figure = Figure(
        figsize=(side * len(panels), side * height / width + .3),
        layout='constrained')
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (title, picture) in zip(axes, panels.items()):
        axis.imshow(picture)
        axis.set_title(title)
        axis.axis('off')
    return figure


def shown_instances(sample: BaseDataElement, score: float) -> InstanceData:
    """The instances of a detection that are drawn."""
    instances = sample.pred_instances
    return instances[instances.scores >= score]


def _annotation(
        sample: BaseDataElement,
        size: Tuple[int, int],
        boxes: Optional[Sequence] = None
) -> Union[PixelData, InstanceData, None]:
    """None where there is none, or where it was resized or flipped with the
    input."""
    if 'gt_sem_seg' in sample:
        return sample.gt_sem_seg if sample.gt_sem_seg.shape == size else None
    instances = sample.get('gt_instances')
    if instances is None:
        return None
    masks = instances.get('masks')
    if masks is not None and (masks.height, masks.width) != size:
        return None
    if boxes is not None:
        return instances if _all_among(instances.bboxes, boxes) else None
    changed = tuple(sample.get('img_shape', size)[:2]) != size or sample.get(
        'flip', False)
    return None if masks is None and changed else instances


def _all_among(boxes: Tensor, known: Sequence) -> bool:
    """Whether each box is one of those known, up to half a pixel."""
    known = torch.as_tensor(known, dtype=torch.float32).reshape(-1, 4)
    distances = (boxes.float()[:, None] - known).abs().amax(2)
    return bool((distances < .5).any(1).all())


def _enlarged(maps: Union[Tensor, np.ndarray], factor: int) -> np.ndarray:
    """Maps ``(..., h, w)``, each of their places repeated."""
    return np.asarray(maps).repeat(factor, -2).repeat(factor, -1)


def _enlarged_instances(instances: InstanceData, factor: int) -> InstanceData:
    enlarged = InstanceData(
        bboxes=instances.bboxes * factor, labels=instances.labels)
    masks = instances.get('masks')
    if masks is not None:
        masks = masks if isinstance(masks, Tensor) else masks.to_ndarray()
        enlarged.masks = _enlarged(masks, factor)
    if 'scores' in instances:
        enlarged.scores = instances.scores
    return enlarged
