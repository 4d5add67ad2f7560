from abc import abstractmethod
from typing import Dict, FrozenSet, Optional

import numpy as np
import torch
from torch import Tensor, nn

from mmmix.structures import Guidance, MixedBatch


class LabelRule(nn.Module):
    """Sets lambda of batches that were mixed by cutting and pasting.

    Without a rule lambda is the mixer's own, the area. A child defines
    :meth:`compute`, which always runs in float32, and is registered in
    ``mmmix.registry.MODELS``.

    Attributes:
        needs (frozenset[str]): What it wants from the guide: 'attention',
            'scores', both or nothing.
        needs_class_attention (bool): Whether it wants the class attention of
            the mixed images in the model under training.
    """

    needs: FrozenSet[str] = frozenset()
    needs_class_attention: bool = False

    def sample(self, rng: np.random.Generator) -> Dict[str, float]:
        """Draw the random numbers of one batch; most rules have none.

        Args:
            rng (np.random.Generator): The only source of randomness.
        """
        return {}

    def applies(self, regions: bool, mixed: bool) -> bool:
        """Whether the rule applies to such a batch; a blend gives every place
        the same weight, so its lambda cannot depend on attention.

        Args:
            regions (bool): The batch was mixed by cutting and pasting.
            mixed (bool): It was mixed at all.
        """
        return regions

    def applies_to(self, mixed: MixedBatch) -> bool:
        """Whether the rule applies to this batch."""
        return self.applies(mixed.regions, mixed.mixer is not None)

    def forward(self,
                cls_score: Tensor,
                mixed: MixedBatch,
                guidance: Optional[Guidance] = None,
                attention: Optional[Tensor] = None) -> Tensor:
        """Weight of the source's label ``(N,)`` in [0, 1].

        Args:
            cls_score (Tensor): Logits of the mixed images
                ``(N, num_classes)``.
            mixed (MixedBatch): What was pasted where; its ``lam`` is the
                area.
            guidance (Guidance, optional): What the guide answered.
            attention (Tensor, optional): Class attention of the mixed images
                ``(N, h, w)``.
        """
        with torch.autocast(cls_score.device.type, enabled=False):
            return self.compute(cls_score.float(), mixed, guidance, attention)

    @abstractmethod
    def compute(self, cls_score: Tensor, mixed: MixedBatch,
                guidance: Optional[Guidance],
                attention: Optional[Tensor]) -> Tensor:
        """The weight, from float32 arguments."""
