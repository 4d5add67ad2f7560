"""How far mixed labels are from what mixed images show (TdAttenMix, Eq. 21,
Table 4)."""
from typing import Dict, Iterable, List, Sequence, Tuple

import numpy as np
from matplotlib.figure import Figure
from mmengine.dataset import BaseDataset
from torch import Tensor

from mmmix.analysis.methods import Method, measure_pairs
from mmmix.analysis.pairs import Pairs, differences_from_first, mean_and_error
from mmmix.analysis.truth import truth_maps, unit_mass
from mmmix.errors import MmmixError
from mmmix.functional import area_attention_lambda
from mmmix.progress import track
from mmmix.structures import MixedBatch

# of one method, a value for each pair: lam, lam_gt, by_pixels, batch
Found = Dict[str, np.ndarray]


def measure_inconsistency(methods: Sequence[Method],
                          batches: Iterable[Pairs],
                          truth: str = 'boxes') -> Tuple[Dict, int]:
    """How methods label the same pairs, and what they show of them.

    Args:
        methods, batches: See :func:`~mmmix.analysis.methods.measure_pairs`.
        truth (str): See :func:`~mmmix.analysis.truth.truth_maps`. Defaults
            to 'boxes'.

    Returns:
        tuple[dict[str, Found], int]: Of each method ``lam``, ``lam_gt`` and
        ``by_pixels``, lambda_gt where pixels count, as ``measure_pairs``
        returns them.
    """

    def values_of(pairs):
        maps = truth_maps(pairs.samples, pairs.inputs.shape[-2:],
                          truth).to(pairs.inputs.device)
        for method in methods:
            mixed = method.mix(pairs, unit_mass(maps))
            yield dict(
                lam=mixed.source_share,
                lam_gt=shown_lambda(maps, mixed),
                by_pixels=shown_lambda(maps, mixed, normalize=False))

    return measure_pairs(methods, batches, values_of)


def shown_lambda(maps: Tensor,
                 mixed: MixedBatch,
                 normalize: bool = True) -> Tensor:
    r"""Share of the sources in what mixed images show (TdAttenMix, 5.5).

    .. math::
        \lambda_{gt} = \frac{g_A(\mathrm{pasted})}
        {g_A(\mathrm{pasted}) + g_B(\mathrm{still\ visible})}

    The maps g say where the label of an image can be seen: gaze, the mask or
    the box of the object. Of a blend, whose mask is lambda at every place,
    each place counts by its weight; with maps of equal mass lambda_gt is then
    lambda by construction. Of a mix inside of a network the places are those
    of the features, which are taken to show the part of the image they cover.

    Args:
        maps (Tensor): Truth of the unmixed images ``(N, h, w)``, not
            negative.
        mixed (MixedBatch): What was pasted where.
        normalize (bool): Give all maps the same mass: what counts is which
            share of an object, or of the gaze at it, can be seen. Otherwise
            its pixels count, at their size in the unmixed image. Defaults to
            True.

    Returns:
        Tensor: ``(N,)`` in [0, 1], NaN where neither object can be seen.
    """
    grid = maps.shape[1:]
    maps = unit_mass(maps) if normalize else maps
    return area_attention_lambda(maps[mixed.source], mixed.source_mask(grid),
                                 maps, 1 - mixed.hidden_mask(grid))


def mean_inconsistency(found: Found) -> Dict[str, float]:
    r"""Means over the pairs that show something, and whose label says so.

    The inconsistency of a pair is the distance of its mixed label from what
    can be seen, :math:`|\lambda_{gt} - \lambda|` (TdAttenMix, Eq. 21).

    Returns:
        dict[str, float]: In percent ``mean``, the inconsistency, and its
        ``error`` (see :func:`~mmmix.analysis.pairs.mean_and_error`),
        ``by_pixels``, the same where pixels count, and the means ``lam`` and
        ``lam_gt``; ``images``, how many were judged; ``skipped``, how many
        show neither object, or have a label of neither, and are left out of
        the means.
    """
    judged = ~(np.isnan(found['lam_gt']) | np.isnan(found['lam']))
    lam, lam_gt, by_pixels, batch = (
        found[name][judged]
        for name in ('lam', 'lam_gt', 'by_pixels', 'batch'))
    mean, error = mean_and_error(100 * abs(lam_gt - lam), batch)
    return dict(
        mean=mean,
        error=error,
        by_pixels=100 * mean_and_error(abs(by_pixels - lam), batch)[0],
        lam=100 * mean_and_error(lam, batch)[0],
        lam_gt=100 * mean_and_error(lam_gt, batch)[0],
        images=len(lam),
        skipped=int((~judged).sum()))


def against_first(found: Dict[str, Found]) -> Dict[str, Tuple[float, float]]:
    """Mean difference of each method from the first, pair by pair, in
    percent, and its error."""
    return differences_from_first(
        {
            name: 100 * abs(own['lam_gt'] - own['lam'])
            for name, own in found.items()
        },
        next(iter(found.values()))['batch'])


def within(dataset: BaseDataset, indices: Sequence[int],
           area: Tuple[float, float], truth: str) -> List[int]:
    """The images of which the truth covers a share between two numbers;
    raises a MmmixError if there are not two of them."""
    low, high = area
    chosen = []
    for index in track(indices, 'sizes of objects'):
        sample = dataset[index]
        size = sample['inputs'].shape[-2:]
        maps = truth_maps([sample['data_samples']], size, truth)
        if low <= float((maps > 0).float().mean()) <= high:
            chosen.append(index)
    if len(chosen) < 2:
        raise MmmixError(f'{len(chosen)} of {len(indices)} images have an '
                         f'object that covers {low:g} to {high:g} of them.')
    return chosen


def draw_inconsistency(found: Dict[str, Found]) -> Figure:
    """The spread of each method over the pairs, and its mean."""
    figure = Figure(figsize=(0.55 * len(found) + 2, 5))
    axes = figure.subplots()
    for place, own in enumerate(found.values()):
        values = 100 * abs(own['lam_gt'] - own['lam'])
        values = values[~np.isnan(values)]
        if len(values) > 1 and np.ptp(values) > 0:
            axes.violinplot([values], [place], widths=0.8, showextrema=False)
        if len(values):
            axes.plot(place, values.mean(), 'k_', markersize=16)
    axes.set_xticks(range(len(found)), list(found), rotation=60, ha='right')
    axes.set_ylim(0, 100)
    axes.set_ylabel('|lambda_gt - lambda| in percent; bar: mean')
    axes.grid(axis='y', alpha=0.3)
    return figure
