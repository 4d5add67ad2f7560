from abc import abstractmethod
from typing import FrozenSet, Optional

import torch
from torch import Tensor, nn

from mmmix.errors import check_name
from mmmix.structures import Guidance, MixedBatch

BATCHES = dict(
    regions=frozenset({'regions'}),
    mixed=frozenset({'regions', 'soft', 'blend', 'several'}),
    all=frozenset({'regions', 'soft', 'blend', 'several', 'unmixed'}))


class MixLoss(nn.Module):
    """A loss on mixed batches, beside the classification loss.

    A child defines :meth:`compute`, which always runs in float32.

    Args:
        loss_weight (float): Weight of the loss. Defaults to 1.
        batches (str): Where it applies: 'regions' (batches mixed by cutting
            and pasting one source), 'mixed' (all that a mixer of mmmix
            mixed) or 'all' (also others). Defaults to 'regions'.

    Raises:
        MmmixError: If ``batches`` is unknown.

    Attributes:
        requires (frozenset[str]): Any of 'regions', 'attention' and 'logits'
            (from the guide), and from the model under training 'tokens' (the
            patch tokens of the mixed images) and 'unmixed_logits' (of the
            unmixed images, with gradients: ``mixed.unmixed_logits``).
        kinds (frozenset[str]): :attr:`MixedBatch.kind` of the batches it
            applies to.
        one_class (bool): Whether it assumes one class for each image, as a
            softmax does.
    """

    requires: FrozenSet[str] = frozenset()
    one_class: bool = False

    def __init__(self, loss_weight: float = 1.0, batches: str = 'regions'):
        super().__init__()
        check_name('batches', batches, BATCHES)
        self.loss_weight = loss_weight
        self.kinds = BATCHES[batches]

    def prepare(self, head: nn.Module) -> None:
        """Build what depends on the head that this loss belongs to; by
        default nothing."""

    def forward(self,
                head: nn.Module,
                logits: Tensor,
                mixed: MixedBatch,
                guidance: Optional[Guidance] = None,
                tokens: Optional[Tensor] = None) -> Tensor:
        """Compute the weighted loss, a scalar.

        Args:
            head (nn.Module): The head, for its ``classify``.
            logits (Tensor): Logits of the mixed images, ``(N, num_classes)``.
            mixed (MixedBatch): The mixed batch, with the lambda of the label
                rule, if any.
            guidance (Guidance, optional): What the guides returned.
            tokens (Tensor, optional): Patch tokens of the mixed images,
                ``(N, C, h, w)``.
        """
        with torch.autocast(logits.device.type, enabled=False):
            loss = self.compute(head, logits.float(), mixed, guidance,
                                None if tokens is None else tokens.float())
        return self.loss_weight * loss

    @abstractmethod
    def compute(self, head: nn.Module, logits: Tensor, mixed: MixedBatch,
                guidance: Optional[Guidance],
                tokens: Optional[Tensor]) -> Tensor:
        """The loss before its weight."""
