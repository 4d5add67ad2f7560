"""Whether a model sees both images in a mixed one (SMMix, Fig. 5a;
TdAttenMix, Fig. 4)."""
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from mmmix.analysis.methods import Method, check_mixing, measure_pairs
from mmmix.analysis.pairs import Pairs, differences_from_first, mean_and_error
from mmmix.analysis.trained_model import TrainedModel
from mmmix.analysis.truth import truth_maps, unit_mass
from mmmix.errors import MmmixError
from mmmix.functional import area_lambda
from mmmix.models import MixClassifier
from mmmix.structures import MixedBatch
from mmmix.visualization.panels import draw_panels

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
        methods, batches: See :func:`~mmmix.analysis.methods.measure_pairs`.
        truth (str, optional): What leads the oracle, see
            :func:`~mmmix.analysis.truth.truth_maps`. Defaults to None, for
            methods without an oracle.

    Returns:
        tuple[dict[str, dict], int]: Of each method ``top1`` and ``top2`` (see
        :func:`pair_hits`) and ``lam``, the share of the source in the mixed
        image, as ``measure_pairs`` returns them.

    Raises:
        MmmixError: If a method mixes nothing; see also :func:`logits_of`.
    """
    for method in methods:
        check_mixing(method)

    def values_of(pairs):
        maps = truth and unit_mass(
            truth_maps(pairs.samples, pairs.inputs.shape[-2:], truth))
        for method in methods:
            mixed = method.mix(pairs, maps)
            hits = pair_hits(
                logits_of(judge, mixed), pairs.source_labels, pairs.labels)
            yield dict(zip(KINDS, hits), lam=area_lambda(mixed.mask))

    return measure_pairs(methods, batches, values_of)


def logits_of(judge: TrainedModel, mixed: MixedBatch) -> Tensor:
    """Logits of a mixed batch ``(N, num_classes)``; what is mixed inside of a
    network is mixed inside of the judge.

    Raises:
        MmmixError: If the judge cannot be mixed at the batch's site.
    """
    model = judge.model
    if mixed.site is None:
        return model(mixed.inputs)
    if not isinstance(model, MixClassifier):
        raise MmmixError(
            f'{mixed.mixer} mixes inside of the network, which the judge, a '
            f'{type(model).__name__}, cannot: judge with a '
            'mmmix.MixClassifier, or choose methods that mix the images.')
    model.sites.add(model.backbone, [mixed.site])
    grid = model.sites.grids(model.backbone, mixed.inputs)[mixed.site]
    if mixed.kind != 'blend' and grid != tuple(mixed.mask.shape[1:]):
        raise MmmixError(
            f'{mixed.mixer} mixes {" x ".join(map(str, mixed.mask.shape[1:]))}'
            f' places after {mixed.site!r}, where the judge has '
            f'{" x ".join(map(str, grid or ["none"]))}: judge with a model of '
            'the same architecture.')
    return model.head(model.extract_mixed_feat(mixed)[0])


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
    """Means over the pairs of a method: ``top1`` and ``top2`` in percent,
    their standard errors ``top1_error`` and ``top2_error``, and ``images``."""
    means = dict(images=len(found['batch']))
    for kind in KINDS:
        means[kind], means[f'{kind}_error'] = mean_and_error(
            100 * found[kind], found['batch'])
    return means


def against_first(
    found: Dict[str, Dict[str, np.ndarray]]
) -> Dict[str, Dict[str, Tuple[float, float]]]:
    """Mean difference of each method from the first, pair by pair, in
    percent, and its error, by its name, for ``top1`` and ``top2``."""
    batch = next(iter(found.values()))['batch']
    return {
        kind:
        differences_from_first(
            {
                name: 100 * own[kind]
                for name, own in found.items()
            }, batch)
        for kind in KINDS
    }


def over_lambda(found: Dict[str, np.ndarray], bins: int) -> Dict[str, List]:
    """Means of a method over equal parts of lambda's range: ``top1`` and
    ``top2`` in percent, None in empty bins, and the number of ``pairs``. A
    border belongs to the bin above it, and 1 to the last."""
    # 3/10 lies at 0.3, also in floating point
    place = np.floor(found['lam'] * bins + 1e-6).astype(np.int64)
    place = place.clip(0, bins - 1)
    count = np.bincount(place, minlength=bins).tolist()
    curves = {
        kind: [
            total / n if n else None for total, n in zip(
                np.bincount(place, 100 * found[kind], bins).tolist(), count)
        ]
        for kind in KINDS
    }
    return dict(curves, pairs=count)


def draw_over_lambda(curves: Dict[str, Dict[str, List]], bins: int) -> Figure:
    """Both accuracies over lambda, a line for each method; a bin with few
    pairs is left out."""
    panels = {
        title: {
            name: [
                value if count >= LEAST else None
                for value, count in zip(curve[kind], curve['pairs'])
            ]
            for name, curve in curves.items()
        }
        for kind, title in zip(KINDS, ('top-1 in {A, B}', 'top-2 = {A, B}'))
    }
    figure = draw_panels(
        panels, [(i + 0.5) / bins for i in range(bins)],
        'lambda: share of the source A',
        'pairs (%)',
        share_y=False)
    for axes in figure.axes:
        axes.set(xlim=(0, 1), ylim=(0, None))
    return figure
