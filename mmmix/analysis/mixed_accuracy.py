"""Whether a model sees both images in a mixed one."""
from typing import Tuple

from torch import Tensor

from mmmix.errors import MmmixError


def pair_hits(logits: Tensor, source_labels: Tensor,
              target_labels: Tensor) -> Tuple[Tensor, Tensor]:
    """Top-1 in {A, B} and top-2 = {A, B} (SMMix, Fig. 5a; TdAttenMix,
    Fig. 4).

    Of equal scores the class with the lower index comes first.

    Args:
        logits (Tensor): Scores of the mixed images ``(N, num_classes)``.
        source_labels (Tensor): A, ``(N,)`` int64.
        target_labels (Tensor): B, ``(N,)`` int64, different from A.

    Returns:
        tuple[Tensor, Tensor]: Whether the first prediction is one of the two
        labels, and whether the first two are both, ``(N,)`` bool each.

    Raises:
        ValueError: If there is one class only, or the lengths differ.
    """
    if logits.ndim != 2 or logits.size(1) < 2 or not (
            len(logits) == len(source_labels) == len(target_labels)):
        raise MmmixError(
            '`logits` (N, num_classes) of two or more classes and the labels '
            f'(N,) must agree in N, but have shapes {tuple(logits.shape)}, '
            f'{tuple(source_labels.shape)} and {tuple(target_labels.shape)}.')
    order = logits.argsort(dim=1, descending=True, stable=True)
    found = [(order[:, :k] == labels[:, None]).any(1) for k in (1, 2)
             for labels in (source_labels, target_labels)]
    return found[0] | found[1], found[2] & found[3]
