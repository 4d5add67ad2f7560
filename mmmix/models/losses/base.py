from abc import abstractmethod
from typing import FrozenSet, Optional

import torch
from torch import Tensor, nn

from mmmix.errors import check_name
from mmmix.structures import Guidance, MixedBatch

BATCHES = ('regions', 'mixed', 'all')


class MixLoss(nn.Module):
    """A loss on mixed batches, beside the classification loss.

    A child defines :meth:`compute`, which always runs in float32.

    Args:
        loss_weight (float): Weight of the loss. Defaults to 1.
        batches (str): Where it applies: 'regions' (batches mixed by cutting
            and pasting), 'mixed' (also blends such as Mixup) or 'all' (also
            batches that were not mixed). Defaults to 'regions'.

    Raises:
        ValueError: If ``batches`` is unknown.

    Attributes:
        needs (frozenset[str]): What it wants from the guide: 'attention',
            'scores', both or nothing.
        needs_tokens (bool): Whether it wants the patch tokens.
    """

    needs: FrozenSet[str] = frozenset()
    needs_tokens: bool = False

    def __init__(self, loss_weight: float = 1.0, batches: str = 'regions'):
        super().__init__()
        check_name('batches', batches, BATCHES)
        self.loss_weight = loss_weight
        self.batches = batches

    def prepare(self, head: nn.Module) -> None:
        """Make what depends on the head this loss belongs to; most losses
        have nothing to make."""

    def applies(self, regions: bool, mixed: bool) -> bool:
        """Whether the loss applies to such a batch.

        Args:
            regions (bool): The batch was mixed by cutting and pasting.
            mixed (bool): It was mixed at all.
        """
        return {'regions': regions, 'mixed': mixed, 'all': True}[self.batches]

    def applies_to(self, mixed: MixedBatch) -> bool:
        """Whether the loss applies to this batch."""
        return self.applies(mixed.regions, mixed.mixer is not None)

    def forward(self,
                head: nn.Module,
                cls_score: Tensor,
                mixed: MixedBatch,
                guidance: Optional[Guidance] = None,
                tokens: Optional[Tensor] = None) -> Tensor:
        """The weighted loss, a scalar.

        Args:
            head (nn.Module): The head, for its ``classify``.
            cls_score (Tensor): Logits of the mixed images
                ``(N, num_classes)``.
            mixed (MixedBatch): What was pasted where.
            guidance (Guidance, optional): What the guide answered.
            tokens (Tensor, optional): Patch tokens of the mixed images
                ``(N, C, h, w)``.
        """
        with torch.autocast(cls_score.device.type, enabled=False):
            loss = self.compute(head, cls_score.float(), mixed, guidance,
                                None if tokens is None else tokens.float())
        return self.loss_weight * loss

    @abstractmethod
    def compute(self, head: nn.Module, cls_score: Tensor, mixed: MixedBatch,
                guidance: Optional[Guidance],
                tokens: Optional[Tensor]) -> Tensor:
        """The loss before its weight."""
