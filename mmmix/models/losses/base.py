from abc import abstractmethod
from typing import Any, Callable, FrozenSet, Optional

import torch
from torch import Tensor, nn

from mmmix.errors import MmmixError, check_name
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
        requires (frozenset[str]): Any of 'regions'; 'attention', 'logits'
            and 'label_maps' (from the guide); and from the model under
            training 'tokens' (the patch tokens of the mixed images),
            'feature_map' (the same, or a CNN's last feature map) and
            'unmixed_logits' (of the unmixed images, with gradients:
            ``mixed.unmixed_logits``).
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
            tokens (Tensor, optional): Last feature map of the mixed images,
                ``(N, C, h, w)``: of a ViT the patch tokens.
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


class TokenLoss(MixLoss):
    """A loss that classifies tokens, or means of them, one class for each.

    Args:
        loss_weight (float): Weight of the loss. Defaults to 1.
        label_smooth (float): Label smoothing of the targets, in [0, 1).
            Defaults to 0.
        second_classifier (bool): Classify by a second linear layer instead of
            the head's classifier; it is initialised like that one. It adds
            parameters, ``head.mix_losses``, which must be dropped before a
            strict load into a stock model. Defaults to False.
        batches (str): See :class:`MixLoss`. Defaults to 'regions'.

    Raises:
        MmmixError: If ``label_smooth`` is outside [0, 1) or ``batches`` is
            unknown.
    """

    one_class = True

    def __init__(self,
                 loss_weight: float = 1.0,
                 label_smooth: float = 0.0,
                 second_classifier: bool = False,
                 batches: str = 'regions'):
        super().__init__(loss_weight, batches)
        if not 0 <= label_smooth < 1:
            raise MmmixError('`label_smooth` must be in [0, 1), not '
                             f'{label_smooth!r}.')
        self.label_smooth = label_smooth
        self.second_classifier = second_classifier
        self.classifier: Optional[nn.Linear] = None

    def prepare(self, head: nn.Module) -> None:
        if self.second_classifier:
            self.classifier = nn.Linear(head.in_channels, head.num_classes)

    def classifier_of(self, head: Any) -> Callable[[Tensor], Tensor]:
        """The second classifier, or that of the head."""
        return head.classify if self.classifier is None else self.classifier
