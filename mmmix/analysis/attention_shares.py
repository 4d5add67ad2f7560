"""How much of the attention falls on the two parts of a mixed image."""
from itertools import product
from typing import Dict, Iterable, List, Sequence, Tuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from mmmix.analysis.methods import Method, check_images, measure_pairs
from mmmix.analysis.model_maps import ModelMap
from mmmix.analysis.pairs import Pairs, mean_and_error
from mmmix.analysis.trained_model import TrainedModel
from mmmix.errors import MmmixError
from mmmix.functional import attention_lambda
from mmmix.structures import MixedBatch
from mmmix.visualization.figure import SOURCE, TARGET

NAMES = ('checkpoint', 'method', 'map', 'label')


def pasted_shares(maps: Tensor, mixed: MixedBatch) -> Tuple[Tensor, Tensor]:
    """The pasted region's shares of the area and of the attention.

    SMMix, Section 5.4: a model trained with CutMix is said to look at pasted
    regions whatever they show. The paper announces such a statistic for a
    supplement and gives no formula; this is the simplest one.

    Args:
        maps (Tensor): Where a model looks in the mixed images ``(N, h, w)``,
            not negative.
        mixed (MixedBatch): What was pasted where.

    Returns:
        tuple[Tensor, Tensor]: ``(N,)`` float64 in [0, 1] each; the second is
        NaN where the map is zero everywhere.
    """
    mask = mixed.mask_on(maps.shape[1:]).double()
    attention = attention_lambda(maps.double(), mask, normalize=True)
    attention[maps.sum((1, 2)) <= 0] = float('nan')
    return mask.mean((1, 2)), attention


def mean_shares(area: np.ndarray, attention: np.ndarray,
                batch: np.ndarray) -> Dict[str, float]:
    """Means over the pairs.

    Args:
        area, attention (np.ndarray): See :func:`pasted_shares`, ``(N,)``.
        batch (np.ndarray): ``(N,)``, the number of each one's batch, the unit
            of the error.

    Returns:
        dict: ``pairs``, how many count; ``area`` and ``attention``, the mean
        shares of the pasted region in percent; ``excess``, attention less
        area, and ``error``, its standard error; ``pasted`` and ``visible``,
        the mean attention on each part over its mean area, where 1 is
        attention without aim. Means are NaN where no pair counts.
        ``one_part`` and ``no_mass``: how many pairs were left out because
        nothing or all was pasted, or because the map is zero everywhere.
    """
    # a mean of equal parts may be off by rounding
    two_parts = (area > 1e-6) & (area < 1 - 1e-6)
    counted = two_parts & ~np.isnan(attention)
    area, attention, batch = area[counted], attention[counted], batch[counted]
    (area_mean, _), (attention_mean, _), (excess, error) = (
        mean_and_error(values, batch)
        for values in (area, attention, attention - area))
    return dict(
        pairs=len(area),
        area=100 * area_mean,
        attention=100 * attention_mean,
        excess=100 * excess,
        error=100 * error,
        pasted=attention_mean / area_mean,
        visible=(1 - attention_mean) / (1 - area_mean),
        one_part=int((~two_parts).sum()),
        no_mass=int((two_parts & ~counted).sum()))


def measure_attention_shares(
        models: Sequence[TrainedModel], methods: Sequence[Method],
        kinds: Sequence[ModelMap],
        batches: Iterable[Pairs]) -> Tuple[List[dict], int]:
    """Show several models the same mixed images.

    Args:
        models (Sequence[TrainedModel]): What makes the maps.
        methods, batches: See :func:`~mmmix.analysis.methods.measure_pairs`.
        kinds (Sequence[ModelMap]): Which maps; those that require a label are
            made for the source's and for the target's.

    Returns:
        tuple[list[dict], int]: :func:`mean_shares` and the names of their
        ``checkpoint``, ``method``, ``map`` and ``label`` ('source', 'target'
        or ''); and how many pairs were left out because both images have one
        class.

    Raises:
        MmmixError: If no pair is left, or a method mixes inside of the
            network.
    """
    check_images(methods)

    def values_of(pairs):
        for method in methods:
            mixed = method.mix(pairs)
            values = {}
            for maps in kinds:
                labels = [('source', pairs.source_labels),
                          ('target', pairs.labels)]
                if not maps.requires_labels:
                    labels = [('', None)]
                for (whose, wanted), trained in product(labels, models):
                    looked = maps(trained.model, mixed.inputs, wanted)
                    values[trained.name, method.name, maps.kind,
                           whose] = torch.stack(
                               pasted_shares(looked, mixed), 1)
            yield values

    found, same_class = measure_pairs(methods, batches, values_of)
    results = [
        dict(zip(NAMES, key), **mean_shares(*shares.T, own['batch']))
        for own in found.values() for key, shares in own.items()
        if key != 'batch'
    ]
    if not any(own['pairs'] for own in results):
        raise MmmixError('No pair shows parts of two images of different '
                         'classes that a map has mass on.')
    return results, same_class


def draw_attention_shares(results: Sequence[dict]) -> Figure:
    """A panel for each method: attention over area of both parts."""
    methods = list(dict.fromkeys(own['method'] for own in results))
    num = len(results) // len(methods)
    figure = Figure(
        figsize=(2.2 + 2.6 * len(methods), 1.1 + .24 * num),
        layout='constrained')
    panels = figure.subplots(
        1, len(methods), sharex=True, sharey=True, squeeze=False)[0]
    for axis, method in zip(panels, methods):
        rows = [own for own in results if own['method'] == method]
        pasted, visible = ([own[part] for own in rows]
                           for part in ('pasted', 'visible'))
        axis.hlines(range(num), pasted, visible, color='.75', linewidth=1)
        axis.plot(pasted, range(num), 'o', color=SOURCE, ms=5, label='pasted')
        axis.plot(
            visible, range(num), 's', color=TARGET, ms=5, label='visible')
        axis.axvline(1, color='black', linewidth=.8, linestyle=':')
        axis.set_title(f'mixed by\n{method}', fontsize=9)
        axis.grid(axis='x', alpha=.3)
        axis.set_xlabel('attention / area')
    labels = [
        f'{own["checkpoint"]}: {own["map"]}' +
        (own['label'] and f', y of {own["label"]}') for own in results[:num]
    ]
    panels[0].set_yticks(range(num), labels, fontsize=8)
    panels[0].invert_yaxis()
    panels[0].legend(fontsize=8)
    return figure
