"""How much of the attention falls on the two parts of a mixed image."""
from dataclasses import dataclass, field
from typing import Dict, List, Optional

import numpy as np
import torch
from torch import Tensor

from mmmix.analysis.mixed_images import mean_and_error
from mmmix.functional import attention_lambda
from mmmix.structures import MixedBatch


@dataclass
class AttentionShares:
    """Share of the attention mass on the pasted region and on the target that
    is still visible, beside the regions' share of the area.

    SMMix, Section 5.4: a model trained with CutMix is said to look at pasted
    regions whatever they show. The paper announces such a statistic for a
    supplement and gives no formula; this is the plainest one.

    Attributes:
        area (List[float]): Of each pair that was counted, the share of the
            pasted region in the image, in (0, 1).
        attention (List[float]): The share of the attention there, in [0, 1].
        batch (List[int]): The number of the batch it came in.
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
            mean shares of the pasted region in percent; ``excess``, what the
            second has more, and ``error``, the standard error of that;
            ``pasted`` and ``visible``, the mean attention on each part over
            its mean area, where 1 is attention without aim; ``one_part`` and
            ``no_mass``, how many pairs were left out. Means are NaN where no
            pair counts.
        """
        area, attention = np.array(self.area), np.array(self.attention)
        area_mean, attention_mean, (excess, error) = (mean_and_error(
            area, self.batch)[0], mean_and_error(
                attention,
                self.batch)[0], mean_and_error(attention - area, self.batch))
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
