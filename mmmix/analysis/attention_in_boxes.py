"""How much of the attention falls on the objects."""
from typing import Dict, Sequence

import torch
from mmengine.dataset import BaseDataset
from torch import Tensor

from mmmix.analysis.model_maps import ModelMap
from mmmix.analysis.trained_model import TrainedModel, batches
from mmmix.analysis.truth import to_yxyx
from mmmix.errors import MmmixError
from mmmix.functional import box_coverage


def attention_gains(trained: TrainedModel,
                    kinds: Sequence[ModelMap],
                    dataset: BaseDataset,
                    indices: Sequence[int],
                    batch_size: int = 100) -> Dict[str, Tensor]:
    """Share of the attention inside the box of the object, divided by the
    box's share of the area: 1 is attention without aim.

    Args:
        trained (TrainedModel): A classifier.
        kinds (Sequence[ModelMap]): Which maps.
        dataset, indices, batch_size: See :func:`~mmmix.analysis.batches`;
            each of the N images has one object box.

    Returns:
        dict[str, Tensor]: ``(N,)`` values by the kind of the map, without
        images whose map is zero everywhere.

    Raises:
        MmmixError: If an image does not have exactly one box.
    """
    gains = {maps.kind: [] for maps in kinds}
    for inputs, samples in batches(trained, dataset, indices, batch_size):
        if any(len(s.get('gt_bboxes', ())) != 1 for s in samples):
            raise MmmixError(
                'Each validation image needs one object box, as the synthetic '
                'set and Tiny-ImageNet have: the pipeline must end with '
                "PackInputs(algorithm_keys=('gt_bboxes', )).")
        boxes = torch.cat([to_yxyx(s.gt_bboxes) for s in samples])
        boxes = boxes.to(inputs.device)
        for maps in kinds:
            attention = maps.of_samples(trained.model, inputs, samples)
            inside = box_coverage(boxes, inputs.shape[-2:],
                                  attention.shape[1:])
            share = (inside * attention).sum((1, 2)) / attention.sum((1, 2))
            gain = share / inside.mean((1, 2))
            gains[maps.kind].append(gain[~gain.isnan()])
    return {name: torch.cat(values) for name, values in gains.items()}
