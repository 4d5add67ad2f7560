"""Mix images of a data set outside of a training, to look at them."""
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.dataset import pseudo_collate
from mmengine.runner import set_random_seed
from mmpretrain.models import ClsDataPreprocessor
from torch import Tensor, nn
from torch.utils.data import Dataset

from mmmix.errors import MmmixError
from mmmix.models import BatchMixer, EMAGuide, SelfGuide
from mmmix.structures import MixedBatch


@dataclass
class MixedPairs:
    """The same pairs of images, mixed by one or several mixers.

    Attributes:
        images (Tensor): Unmixed images ``(N, 3, H, W)`` in [0, 1], RGB.
        labels (List[str]): Name of the class of each.
        attention (Tensor, optional): The guide's maps ``(N, h, w)`` of the
            unmixed images; None where its backbone yields none.
        mixes (List[MixedBatch]): What each mixer made of them; ``inputs`` are
            in [0, 1], too, and ``source`` is the same for all.
        guided (List[bool]): Whether the mixer looked at the attention.
    """

    images: Tensor
    labels: List[str]
    attention: Optional[Tensor]
    mixes: List[MixedBatch]
    guided: List[bool]


@torch.no_grad()
def mix_pairs(model: nn.Module,
              dataset: Dataset,
              mixers: Sequence[BatchMixer],
              num: int = 6,
              seed: int = 0) -> MixedPairs:
    """Mix images of a data set as a training of the model would, with every
    mixer on the same pairs.

    Args:
        model (nn.Module): The classifier whose guide is asked; it guides
            itself where its config names no guide.
        dataset (Dataset): Training images, of which some are drawn.
        mixers (Sequence[BatchMixer]): What mixes them.
        num (int): Number of pairs, at least 2. Defaults to 6.
        seed (int): Seed of the images and of the mixes. Defaults to 0.

    Raises:
        ValueError: If there are too few images, or a mixer needs attention
            that no extractor can read from the guide.
    """
    if not 2 <= num <= len(dataset):
        raise MmmixError(f'`num` must be between 2 and the {len(dataset)} '
                         f'images of the data set, not {num}.')
    set_random_seed(seed)  # the data pipeline draws from the global states
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(dataset), num, replace=False)
    inputs, scores = _unmixed_batch(model, [dataset[int(i)] for i in chosen])
    source = np.roll(np.arange(num), 1)
    guidance = _ask_guide(model, inputs, scores, mixers)

    mixes = []
    for mixer in mixers:
        params = mixer.sample(
            np.random.default_rng(seed), num, inputs.shape[-2:])
        mixed = mixer.mix(inputs, scores, {
            **params, 'source': source
        }, guidance)
        mixed.inputs = to_image(model, mixed.inputs)
        mixes.append(mixed)
    classes = getattr(dataset, 'metainfo', {}).get('classes')
    return MixedPairs(
        images=to_image(model, inputs),
        labels=[
            classes[label] if classes else f'class {label}'
            for label in scores.argmax(1).tolist()
        ],
        attention=guidance and guidance.attention,
        mixes=mixes,
        guided=['attention' in mixer.needs for mixer in mixers])


def _unmixed_batch(model: nn.Module,
                   samples: List[dict]) -> Tuple[Tensor, Tensor]:
    """Normalised images and scores, as the mixers get them."""
    preprocessor = model.data_preprocessor
    data = ClsDataPreprocessor.forward(preprocessor, pseudo_collate(samples))
    num_classes = preprocessor.num_classes or model.head.num_classes
    scores = [
        sample.gt_score if 'gt_score' in sample else F.one_hot(
            sample.gt_label, num_classes).sum(0).float()
        for sample in data['data_samples']
    ]
    return data['inputs'], torch.stack(scores)


def _ask_guide(model, inputs, scores, mixers):
    """The guide's answer; None where nobody needs it and it has none."""
    guide = getattr(model.data_preprocessor, 'guide', None) or SelfGuide()
    wanted = frozenset({'attention'}).union(*(m.needs for m in mixers))
    guide.bind(model)
    for part in guide.parts:
        if isinstance(part, EMAGuide):
            # a checkpoint holds the averaged weights as the model's
            part.bind_average(model)
    try:
        guide.check(wanted)
    except ValueError:
        if any(mixer.needs for mixer in mixers):
            raise
        return None
    return guide(inputs, wanted, scores)


def to_image(model: nn.Module, inputs: Tensor) -> Tensor:
    """Undo the normalisation, to [0, 1]."""
    preprocessor = model.data_preprocessor
    if preprocessor._enable_normalize:
        inputs = inputs * preprocessor.std + preprocessor.mean
    return (inputs / 255).clamp(0, 1)
