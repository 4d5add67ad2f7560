"""How much of the attention falls on the two parts of a mixed image."""
from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from mmmix.analysis.means import mean_and_error
from mmmix.analysis.methods import Method
from mmmix.analysis.model_maps import ModelMap
from mmmix.analysis.pairs import Pairs
from mmmix.analysis.trained_model import TrainedModel
from mmmix.errors import MmmixError
from mmmix.functional import attention_lambda
from mmmix.structures import MixedBatch
from mmmix.visualization.figure import SOURCE, TARGET


@dataclass
class AttentionShares:
    """Share of the attention mass on the pasted region and on the target that
    is still visible, beside the regions' shares of the area.

    SMMix, Section 5.4: a model trained with CutMix is said to look at pasted
    regions whatever they show. The paper announces such a statistic for a
    supplement and gives no formula; this is the simplest one.

    Attributes:
        area (List[float]): Of each pair that was counted, the share of the
            pasted region in the image, in (0, 1).
        attention (List[float]): The share of the attention there, in [0, 1].
        batch (List[int]): The number of its batch.
        one_part (int): Pairs that were left out, because nothing or all was
            pasted.
        no_mass (int): Pairs that were left out, because the map is zero
            everywhere.
    """
    area: List[float] = field(default_factory=list)
    attention: List[float] = field(default_factory=list)
    batch: List[int] = field(default_factory=list)
    one_part: int = 0
    no_mass: int = 0

    def add(self,
            maps: Tensor,
            mixed: MixedBatch,
            valid: Optional[Tensor] = None,
            batch: int = 0) -> None:
        """Count a batch.

        Args:
            maps (Tensor): Where a model looks in the mixed images
                ``(N, h, w)``, not negative.
            mixed (MixedBatch): What was pasted where.
            valid (Tensor, optional): ``(N,)`` bool, the pairs to look at.
                Defaults to None, all of them.
            batch (int): The number of the batch, the unit of the error.
        """
        mask = mixed.mask_on(maps.shape[1:]).double()
        area = mask.mean((1, 2))
        shares = attention_lambda(maps.double(), mask, normalize=True)
        if valid is None:
            valid = torch.ones_like(area, dtype=torch.bool)
        # a mean of equal parts may be off by rounding
        two_parts = valid & (area > 1e-6) & (area < 1 - 1e-6)
        counted = two_parts & (maps.sum((1, 2)) > 0)
        self.one_part += int((valid & ~two_parts).sum())
        self.no_mass += int((two_parts & ~counted).sum())
        self.area += area[counted].tolist()
        self.attention += shares[counted].tolist()
        self.batch += [batch] * int(counted.sum())

    def summary(self) -> Dict[str, float]:
        """Means over the pairs.

        Returns:
            dict: ``pairs``, how many count; ``area`` and ``attention``, the
            mean shares of the pasted region in percent; ``excess``,
            attention less area, and ``error``, its standard error;
            ``pasted`` and ``visible``, the mean attention on each part over
            its mean area, where 1 is attention without aim; ``one_part`` and
            ``no_mass``, how many pairs were left out. Means are NaN where no
            pair counts.
        """
        area, attention = np.array(self.area), np.array(self.attention)
        (area_mean, _), (attention_mean, _), (excess, error) = (
            mean_and_error(values, self.batch)
            for values in (area, attention, attention - area))
        return dict(
            pairs=len(area),
            area=100 * area_mean,
            attention=100 * attention_mean,
            excess=100 * excess,
            error=100 * error,
            pasted=attention_mean / area_mean,
            visible=(1 - attention_mean) / (1 - area_mean),
            one_part=self.one_part,
            no_mass=self.no_mass)


def measure_attention_shares(models: Sequence[TrainedModel],
                             methods: Sequence[Method],
                             kinds: Sequence[ModelMap],
                             batches: Iterable[Pairs]) -> Tuple[Dict, int]:
    """Show several models the same mixed images.

    Args:
        models (Sequence[TrainedModel]): What makes the maps.
        methods (Sequence[Method]): What mixes; see
            :func:`mmmix.analysis.methods_of`.
        kinds (Sequence[ModelMap]): Which maps; those that require a label are
            made for the source's and for the target's.
        batches (Iterable[Pairs]): See :func:`mmmix.analysis.pair_batches`.

    Returns:
        tuple[dict[tuple, dict], int]: :meth:`AttentionShares.summary` by
        names of model, method, map and label ('source', 'target' or ''); and
        how many pairs were left out because both images have one class.

    Raises:
        MmmixError: If no pair is left.
    """
    found, same_class = {}, 0
    for pairs in batches:
        same_class += int((~pairs.valid).sum())
        for method in methods:
            mixed = method.mix(pairs)
            for maps in kinds:
                labels = {
                    '': None
                } if not maps.requires_labels else dict(
                    source=pairs.source_labels, target=pairs.labels)
                for whose, wanted in labels.items():
                    for trained in models:
                        key = (trained.name, method.name, maps.kind, whose)
                        found.setdefault(key, AttentionShares()).add(
                            maps(trained.model, mixed.inputs, wanted), mixed,
                            pairs.valid, pairs.key[-1])
    results = {key: shares.summary() for key, shares in found.items()}
    if not any(own['pairs'] for own in results.values()):
        raise MmmixError('No pair shows parts of two images of different '
                         'classes that a map has mass on.')
    return results, same_class


def draw_attention_shares(results: Dict[tuple, dict]) -> Figure:
    """A panel for each method: attention over area of both parts."""
    methods = list(dict.fromkeys(key[1] for key in results))
    keys = list(dict.fromkeys((k[0], *k[2:]) for k in results))
    figure = Figure(
        figsize=(2.2 + 2.6 * len(methods), 1.1 + .24 * len(keys)),
        layout='constrained')
    panels = figure.subplots(
        1, len(methods), sharex=True, sharey=True, squeeze=False)[0]
    parts = (('pasted', SOURCE, 'o'), ('visible', TARGET, 's'))
    for axis, method in zip(panels, methods):
        for row, (name, *rest) in enumerate(keys):
            own = results[(name, method, *rest)]
            axis.plot([own['pasted'], own['visible']], [row, row],
                      color='.75',
                      linewidth=1,
                      zorder=1)
            for part, colour, marker in parts:
                axis.plot(
                    own[part],
                    row,
                    marker,
                    color=colour,
                    ms=5,
                    label=None if row else part)
        axis.axvline(1, color='black', linewidth=.8, linestyle=':')
        axis.set_title(f'mixed by\n{method}', fontsize=9)
        axis.grid(axis='x', alpha=.3)
        axis.set_xlabel('attention / area')
    labels = [
        f'{name}: {kind}{whose and ", y of " + whose}'
        for name, kind, whose in keys
    ]
    panels[0].set_yticks(range(len(keys)), labels, fontsize=8)
    panels[0].invert_yaxis()
    panels[0].legend(fontsize=8)
    return figure
