"""Pairs of images that all methods mix alike, and means over them."""
from dataclasses import dataclass
from typing import Dict, Iterator, Sequence, Tuple

import numpy as np
import torch
from mmengine.dataset import BaseDataset
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmmix.analysis.trained_model import TrainedModel, batches, labels_of
from mmmix.errors import MmmixError, check_least
from mmmix.models.channels import normalisation, seen_channels


@dataclass
class Pairs:
    """A batch of images, and which of them is pasted into which.

    Attributes:
        inputs (Tensor): Normalised images ``(N, C, H, W)``.
        samples (Sequence[BaseDataElement]): Their data samples, labelled.
        source (np.ndarray): ``(N,)``, the index of the image pasted in.
        key (tuple): Seeds the mixing: seed and number of the batch.
    """
    inputs: Tensor
    samples: Sequence[BaseDataElement]
    source: np.ndarray
    key: Tuple[int, ...] = (0, )

    def __post_init__(self):
        self.labels = labels_of(self.samples).to(self.inputs.device)

    @property
    def source_labels(self) -> Tensor:
        """``(N,)`` int64; ``labels`` are those of the targets."""
        return self.labels[torch.from_numpy(self.source)]

    @property
    def valid(self) -> Tensor:
        """``(N,)`` bool: source and target have different classes."""
        return self.labels != self.source_labels


def pair_classes(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pair images of different classes at random.

    Args:
        labels (np.ndarray): ``(N,)`` integers.
        rng (np.random.Generator): The only source of randomness.

    Returns:
        np.ndarray: A permutation ``(N,)``, the index of each image's source.
        All pairs have different classes unless one class has more than half
        of the images.
    """
    n = len(labels)
    _, classes = np.unique(labels, return_inverse=True)
    most = np.bincount(classes).max()
    # classes in a random order, images of a class in a random order; a turn
    # by at least the largest class then leads to another class
    ranks = rng.permutation(classes.max() + 1)[classes]
    order = np.lexsort((rng.random(n), ranks))
    turn = rng.integers(most, max(n - most, most), endpoint=True)
    source = np.empty(n, np.int64)
    source[order] = np.roll(order, -turn)
    return source


def pair_batches(trained: TrainedModel,
                 dataset: BaseDataset,
                 indices: Sequence[int],
                 batch_size: int = 25,
                 rounds: int = 1,
                 seed: int = 0) -> Iterator[Pairs]:
    """Load the images of a data set in pairs, each image once a round.

    Args:
        trained, dataset, indices: See :func:`~mmmix.analysis.batches`; the
            images have labels.
        batch_size (int): Images at a time, at least 2. Defaults to 25.
        rounds (int): How often, each time in another order. Defaults to 1.
        seed (int): Not negative. Defaults to 0.

    Raises:
        MmmixError: If a number is out of its range.
    """
    check_least('batch_size', batch_size, 2)
    check_least('rounds', rounds, 1)
    check_least('seed', seed, 0)
    check_least('num_images', len(indices), 2)
    number = 0
    for turn in range(rounds):
        rng = np.random.default_rng([seed, turn])
        order = rng.permutation(indices).tolist()
        shown = batches(trained, dataset, order, batch_size,
                        f'round {turn + 1} of {rounds}')
        for inputs, samples in shown:
            source = pair_classes(labels_of(samples).cpu().numpy(), rng)
            yield Pairs(inputs, samples, source, (seed, number))
            number += 1


def mean_and_error(values: Sequence[float],
                   batches: Sequence[int]) -> Tuple[float, float]:
    """Mean and its standard error.

    Some mixers draw one region for a whole batch, so the images of a batch
    are not independent: batches are the units of the error.

    Args:
        values (Sequence[float]): ``(N,)``.
        batches (Sequence[int]): ``(N,)``, the number of each one's batch.

    Returns:
        tuple[float, float]: NaN where there is no value; the error is NaN
        where there is only one batch.

    Example:
        >>> mean_and_error([1, 2, 2, 3], [0, 0, 1, 1])
        (2.0, 0.5)
    """
    values = np.asarray(values, np.float64)
    if not len(values):
        return float('nan'), float('nan')
    mean = values.mean()
    _, batch = np.unique(batches, return_inverse=True)
    sums = np.bincount(batch, values - mean)
    units = len(sums)
    if units == 1:
        return float(mean), float('nan')
    error = np.sqrt(units / (units - 1) * (sums**2).sum()) / len(values)
    return float(mean), float(error)


def differences_from_first(
        values: Dict[str, np.ndarray],
        batches: Sequence[int]) -> Dict[str, Tuple[float, float]]:
    """Mean difference of each method from the first, pair by pair, and its
    standard error.

    Args:
        values (dict[str, np.ndarray]): ``(N,)`` of each method by its name;
            a pair that is NaN for one of the two does not count.
        batches (Sequence[int]): See :func:`mean_and_error`.

    Example:
        >>> differences_from_first(
        ...     dict(a=np.zeros(2), b=np.array([1., 3.])), [0, 1])
        {'a': (0.0, 0.0), 'b': (2.0, 1.0)}
    """
    first = next(iter(values.values()))
    batches = np.asarray(batches)
    differences = {name: own - first for name, own in values.items()}
    return {
        name: mean_and_error(own[~np.isnan(own)], batches[~np.isnan(own)])
        for name, own in differences.items()
    }


def check_alike(models: Sequence[TrainedModel], dataset: BaseDataset) -> None:
    """Raise a MmmixError if models cannot be shown the same batch: they
    normalise images differently, or know another number of classes than the
    data set."""
    first, *_ = seen = [_normalisation(one) for one in models]
    for trained, own in zip(models, seen):
        if own != first:
            raise MmmixError(
                f'{models[0].name} and {trained.name} normalise images '
                f'differently ({first} and {own}), so they cannot be shown '
                'the same mixed image.')
        check_classes(trained, dataset)


def check_classes(trained: TrainedModel, dataset: BaseDataset) -> None:
    """Raise a MmmixError if a model knows another number of classes than a
    data set, so that the labels of its images, if they have any, are not those
    of the model."""
    classes = len(dataset.metainfo.get('classes') or ())
    known = trained.model.head.num_classes
    if classes and known != classes and 'gt_label' in dataset.get_data_info(0):
        raise MmmixError(f'{trained.name} knows {known} classes, but the '
                         f'data set has {classes}.')


def _normalisation(trained: TrainedModel) -> Tuple:
    """Mean, standard deviation and order of the channels."""
    mean, std = (
        values.flatten().tolist() for values in normalisation(
            trained.model.data_preprocessor, torch.empty(1, 3, 1, 1)))
    return mean, std, seen_channels(trained.cfg)
