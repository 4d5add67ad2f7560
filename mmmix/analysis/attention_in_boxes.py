"""How much of the attention falls on the objects."""
from typing import Dict, Sequence

import torch
from mmengine.dataset import BaseDataset
from torch import Tensor

from mmmix.analysis.model_maps import ModelMap
from mmmix.analysis.trained_model import TrainedModel, batches
from mmmix.analysis.truth import truth_maps
from mmmix.functional import resize_mask


def attention_gains(trained: TrainedModel,
                    kinds: Sequence[ModelMap],
                    dataset: BaseDataset,
                    indices: Sequence[int],
                    batch_size: int = 100) -> Dict[str, Tensor]:
    """Share of the attention inside the boxes of the objects, divided by
    their share of the area: 1 is attention without aim.

    Args:
        trained, dataset, indices, batch_size: See
            :func:`~mmmix.analysis.batches`; the N images have boxes.
        kinds (Sequence[ModelMap]): Which maps.

    Returns:
        dict[str, Tensor]: ``(N,)`` values by the kind of the map, without
        images whose map is zero everywhere.

    Raises:
        MmmixError: If an image has no boxes.
    """
    gains = {maps.kind: [] for maps in kinds}
    for inputs, samples in batches(trained, dataset, indices, batch_size):
        boxes = truth_maps(samples, inputs.shape[-2:]).to(inputs.device)
        for maps in kinds:
            attention = maps.of_samples(trained.model, inputs, samples)
            inside = resize_mask(boxes, attention.shape[1:])
            share = (inside * attention).sum((1, 2)) / attention.sum((1, 2))
            gain = share / inside.mean((1, 2))
            gains[maps.kind].append(gain[~gain.isnan()])
    return {name: torch.cat(values) for name, values in gains.items()}
