"""Whether a model sees both images in a mixed one (SMMix, Fig. 5a;
TdAttenMix, Fig. 4)."""
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from mmmix.analysis.means import mean_and_error, mean_in_bins
from mmmix.analysis.methods import Method
from mmmix.analysis.pairs import Pairs
from mmmix.analysis.trained_model import TrainedModel
from mmmix.analysis.truth import truth_maps, unit_mass
from mmmix.errors import MmmixError
from mmmix.functional import area_lambda

KINDS = ('top1', 'top2')
LEAST = 30  # pairs in a bin that is compared


@torch.no_grad()
def measure_mixed_accuracy(judge: TrainedModel,
                           methods: Sequence[Method],
                           batches: Iterable[Pairs],
                           truth: Optional[str] = None) -> Tuple[Dict, int]:
    """Show one model the same pairs, mixed by several methods.

    Args:
        judge (TrainedModel): The model that looks at the mixed images.
        methods (Sequence[Method]): See :func:`mmmix.analysis.methods_of`.
        batches (Iterable[Pairs]): See :func:`mmmix.analysis.pair_batches`.
        truth (str, optional): What leads the oracle, see
            :func:`~mmmix.analysis.truth.truth_maps`. Defaults to None, for
            methods without an oracle.

    Returns:
        tuple[dict[str, dict], int]: Of each method an array with a value for
        each pair of different classes: ``top1`` and ``top2`` (see
        :func:`pair_hits`), ``lam``, the share of the source in the mixed
        image, and ``batch``; and how many pairs were left out because both
        images have one class.

    Raises:
        MmmixError: If no pair has different classes.
    """
    found = {m.name: [] for m in methods}
    same_class = 0
    for pairs in batches:
        same_class += int((~pairs.valid).sum())
        maps = truth and unit_mass(
            truth_maps(pairs.samples, pairs.inputs.shape[-2:], truth))
        for method in methods:
            mixed = method.mix(pairs, maps)
            logits = judge.model(mixed.inputs)
            hits = pair_hits(logits, pairs.source_labels, pairs.labels)
            lam = area_lambda(mixed.mask)
            found[method.name].append(
                torch.stack([*hits, lam,
                             torch.full_like(lam, pairs.key[-1])
                             ])[:, pairs.valid].cpu())
    tables = {name: torch.cat(own, 1) for name, own in found.items()}
    if not any(table.numel() for table in tables.values()):
        raise MmmixError('No pair has different classes.')
    return {
        name: dict(zip((*KINDS, 'lam', 'batch'),
                       table.double().numpy()))
        for name, table in tables.items()
    }, same_class


def pair_hits(logits: Tensor, source_labels: Tensor,
              target_labels: Tensor) -> Tuple[Tensor, Tensor]:
    """Top-1 in {A, B} and top-2 = {A, B} (SMMix, Fig. 5a; TdAttenMix,
    Fig. 4).

    Of equal logits the class with the lower index comes first.

    Args:
        logits (Tensor): Of the mixed images ``(N, num_classes)``.
        source_labels (Tensor): A, ``(N,)`` int64.
        target_labels (Tensor): B, ``(N,)`` int64, different from A.

    Returns:
        tuple[Tensor, Tensor]: Whether the first prediction is one of the two
        labels, and whether the first two are both, ``(N,)`` bool each.

    Raises:
        MmmixError: If there is only one class, or the lengths differ.

    Example:
        >>> pair_hits(torch.tensor([[3., 2., 1.]]), torch.tensor([1]),
        ...           torch.tensor([2]))
        (tensor([False]), tensor([False]))
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


def mean_accuracy(found: Dict[str, np.ndarray]) -> Dict[str, float]:
    """Means over the pairs of a method.

    Returns:
        dict[str, float]: ``top1`` and ``top2`` in percent, their standard
        errors ``top1_error`` and ``top2_error`` (see
        :func:`~mmmix.analysis.means.mean_and_error`), and ``images``.
    """
    means = dict(images=len(found['batch']))
    for kind in KINDS:
        means[kind], means[f'{kind}_error'] = mean_and_error(
            100 * found[kind], found['batch'])
    return means


def over_lambda(found: Dict[str, np.ndarray], bins: int) -> Dict[str, List]:
    """Means of a method in bins of lambda: ``top1`` and ``top2`` in percent,
    None in empty bins, and the number of ``pairs``."""
    curves = {}
    for kind in KINDS:
        means, count = mean_in_bins(100 * found[kind], found['lam'], bins)
        curves[kind] = [None if np.isnan(m) else m for m in means.tolist()]
    return dict(curves, pairs=count.tolist())


def common_bins(curves: Dict[str, Dict[str, List]]) -> List[int]:
    """The bins in which every method has enough pairs."""
    counts = np.array([curve['pairs'] for curve in curves.values()])
    return np.flatnonzero((counts >= LEAST).all(0)).tolist()


def draw_over_lambda(curves: Dict[str, Dict[str, List]]) -> Figure:
    """Both accuracies over lambda, a line for each method."""
    figure = Figure(figsize=(11, 4.5))
    titles = ('top-1 in {A, B}', 'top-2 = {A, B}')
    for axes, kind, title in zip(figure.subplots(1, 2), KINDS, titles):
        for number, (name, curve) in enumerate(curves.items()):
            bins = len(curve['pairs'])
            shown = [(i, curve[kind][i]) for i in range(bins)
                     if curve['pairs'][i] >= LEAST]
            axes.plot([(i + 0.5) / bins for i, _ in shown],
                      [value for _, value in shown],
                      'os^vDP'[number // 10 % 6] + '-',
                      markersize=4,
                      label=name)
        axes.set_title(title)
        axes.set_xlabel('lambda: share of the image from the source A')
        axes.set_xlim(0, 1)
        axes.set_ylim(0)
        axes.grid(alpha=0.3)
    axes.legend(loc='center left', bbox_to_anchor=(1, 0.5), fontsize='small')
    return figure
