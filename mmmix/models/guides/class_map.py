"""Which of a guide's classes are those of the model under training."""
from typing import Dict, List, Sequence, Union

import torch
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES
from torch import Tensor

from mmmix.errors import MmmixError
from mmmix.imagenet import IMAGENET_WNIDS

Class = Union[int, str]


def class_indices(classes: Sequence[Class], num_classes: int) -> Tensor:
    """The places of some classes among those of a classifier.

    Args:
        classes (Sequence[int | str]): Their indices; of ImageNet-1k's 1000
            classes also their wnids, or their names as MMPretrain has them.
        num_classes (int): How many classes the classifier has.

    Returns:
        Tensor: ``(len(classes), )`` int64.

    Raises:
        MmmixError: If a class is unknown, a name stands for two classes, or
            a class is given twice.

    >>> class_indices(['n01443537', 'tench, Tinca tinca', 7], 1000)
    tensor([1, 0, 7])
    """
    known: Dict[Class, List[int]] = {i: [i] for i in range(num_classes)}
    if num_classes == len(IMAGENET_WNIDS):
        for names in (IMAGENET_WNIDS, IMAGENET_CATEGORIES):
            for index, name in enumerate(names):
                known.setdefault(name, []).append(index)
    unclear = [one for one in classes if len(known.get(one, ())) != 1]
    if unclear:
        raise MmmixError(
            f'{len(unclear)} of the {len(classes)} `classes` of the frozen '
            f'guide are not one of its {num_classes} classes, such as '
            f'{unclear[0]!r}: give their indices among these or, for a guide '
            'of ImageNet-1k, their wnids.')
    indices = [known[one][0] for one in classes]
    for one, index in zip(classes, indices):
        if indices.count(index) > 1:
            raise MmmixError('`classes` of the frozen guide have '
                             f'{one!r} twice.')
    return torch.tensor(indices)


def spread(labels: Tensor, indices: Tensor, num_classes: int) -> Tensor:
    """Labels of some classes as labels of all classes.

    Args:
        labels (Tensor): One-hot or soft labels ``(N, K)``.
        indices (Tensor): ``(K,)``, see :func:`class_indices`.
        num_classes (int): How many classes there are.

    Returns:
        Tensor: ``(N, num_classes)``, 0 for all other classes.

    >>> spread(torch.tensor([[.3, .7]]), torch.tensor([2, 0]), 3)
    tensor([[0.7000, 0.0000, 0.3000]])
    """
    zeros = labels.new_zeros(len(labels), num_classes)
    return zeros.index_copy(1, indices, labels)
