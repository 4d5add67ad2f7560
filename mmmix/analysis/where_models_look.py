"""What models look at in pairs of images, unmixed and mixed (SMMix, Fig. 5b
and c; TdAttenMix, Fig. 6; MixPro, Fig. 6)."""
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

import numpy as np
import torch
from mmengine.dataset import BaseDataset
from torch import Tensor

from mmmix.analysis.methods import Method, class_names
from mmmix.analysis.model_maps import ModelMap
from mmmix.analysis.pairs import Pairs, pair_classes
from mmmix.analysis.trained_model import (
    TrainedModel,
    batches,
    labels_of,
    load_batch,
    to_image,
)
from mmmix.errors import MmmixError
from mmmix.visualization.contact_sheet import SheetRow, rows_of_pair


@dataclass
class LookedAt:
    """What models make of one pair.

    Attributes:
        rows (List[SheetRow]): To be drawn by
            :func:`mmmix.visualization.contact_sheet.draw_sheet`.
        names (tuple[str, str]): Classes of the target and of the source.
        lam (float): Weight of the source.
        probabilities (Dict[str, List[Tensor]]): Of each model ``(2,)``, for
            the target (0) and the source (1): 'own' of the own label in the
            unmixed image; with the one pasted into the other 'source' and
            'target' of these labels.
    """
    rows: List[SheetRow]
    names: Tuple[str, str]
    lam: float
    probabilities: Dict[str, List[Tensor]]


def look_at_pair(models: Sequence[TrainedModel], maps: ModelMap,
                 method: Method, dataset: BaseDataset, pair: Sequence[int],
                 key: Tuple[int, ...]) -> LookedAt:
    """Mix a pair of images, and let models look at it.

    Args:
        models (Sequence[TrainedModel]): Which models.
        maps (ModelMap): Which maps.
        method (Method): What mixes.
        dataset (BaseDataset): Labelled images.
        pair (Sequence[int]): Indices of the target and of the source.
        key (tuple): Seeds the mixing.
    """
    inputs, samples = load_batch(models[0], dataset, pair)
    pairs = Pairs(inputs, samples, np.array([1, 0]), key)
    mixed = method.mix(pairs)
    labels = dict(
        own=(inputs, pairs.labels),
        source=(mixed.inputs, pairs.source_labels),
        target=(mixed.inputs, pairs.labels))
    probabilities = {
        name: [probabilities_of(trained, *what) for trained in models]
        for name, what in labels.items()
    }
    shown = labels if maps.requires_labels else dict(
        own=(inputs, None), both=(mixed.inputs, None))
    looked = {
        name: [maps(trained.model, *what) for trained in models]
        for name, what in shown.items()
    }
    names = class_names(dataset, pairs.labels.tolist())
    rows = rows_of_pair(
        0, 1, to_image(models[0], inputs), mixed,
        to_image(models[0], mixed.inputs), names, looked,
        probabilities if maps.requires_labels else dict(
            own=probabilities['own']))
    return LookedAt(rows, tuple(names), float(mixed.lam[0]), probabilities)


@torch.no_grad()
def probabilities_of(trained: TrainedModel, inputs: Tensor,
                     labels: Tensor) -> Tensor:
    """Softmax probabilities of labels, ``(N,)`` on the CPU."""
    probabilities = trained.model(inputs).softmax(1)
    return probabilities.gather(1, labels[:, None])[:, 0].cpu()


@torch.no_grad()
def correct_images(
        models: Sequence[TrainedModel],
        dataset: BaseDataset,
        indices: Sequence[int],
        batch_size: int = 100
) -> Tuple[np.ndarray, np.ndarray, Dict[str, float]]:
    """The images that all models classify correctly.

    Args:
        models (Sequence[TrainedModel]): Which models.
        dataset (BaseDataset): Labelled images.
        indices (Sequence[int]): Which of them.
        batch_size (int): Images at a time. Defaults to 100.

    Returns:
        tuple[np.ndarray, np.ndarray, dict[str, float]]: The indices of these
        images, their labels, and the accuracy of each model in percent.

    Raises:
        MmmixError: If there are not two of different classes.
    """
    right, accuracy = [], {}
    for trained in models:
        found = []
        for inputs, samples in batches(trained, dataset, indices, batch_size):
            labels = labels_of(samples).cpu()
            predicted = trained.model(inputs).argmax(1).cpu()
            found.append(torch.stack((predicted == labels, labels)))
        correct, labels = torch.cat(found, 1)
        right.append(correct.bool())
        accuracy[trained.name] = 100 * float(correct.double().mean())
    right = torch.stack(right).all(0)
    if len(labels[right].unique()) < 2:
        each = ', '.join(f'{name} {percent:.1f} %'
                         for name, percent in accuracy.items())
        raise MmmixError(
            f'Of {len(indices)} images, {int(right.sum())} are classified '
            f'correctly by all models ({each}), and a pair needs two of '
            'different classes: look at more images (--num-images) or at '
            'fewer models.')
    return np.array(indices)[right.numpy()], labels[right].numpy(), accuracy


def choose_pairs(images: np.ndarray, labels: np.ndarray, num: int,
                 seed: int) -> List[Tuple[int, int]]:
    """Targets and sources of different classes, each image once.

    Args:
        images (np.ndarray): Indices of images, ``(N,)``.
        labels (np.ndarray): Their labels, ``(N,)``.
        num (int): How many pairs, if there are so many.
        seed (int): Of the choice.
    """
    rng = np.random.default_rng(seed)
    source = pair_classes(labels, rng)
    pairs, used = [], set()
    for target in rng.permutation(len(images)):
        pair = {int(target), int(source[target])}
        if labels[target] != labels[source[target]] and not pair & used \
                and len(pairs) < num:
            used |= pair
            pairs.append((int(images[target]), int(images[source[target]])))
    return pairs
