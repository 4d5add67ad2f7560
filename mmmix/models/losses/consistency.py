from typing import Optional

import torch.nn.functional as F
from torch import Tensor, nn

from mmmix.errors import check_name
from mmmix.functional import mix_labels
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch

from .base import MixLoss


@MODELS.register_module()
class ConsistencyLoss(MixLoss):
    r"""Feature consistency constraint (SMMix, Eq. 14).

    The prediction :math:`Y_M` of the mixed image follows the same mix of the
    guide's predictions of the two unmixed images:

    .. math::
        L_{con} = KL(Y_M, \lambda Y_A + (1 - \lambda) Y_B)

    where, as in torch's ``kl_div(input, target)``, the second argument is the
    reference distribution. No gradient reaches the guide.

    Args:
        loss_weight (float): Weight of the loss. Defaults to 1.
        distance (str): 'kl', SMMix's, or 'l1', the sum of absolute
            differences of the two distributions (TdAttenMix, Eq. 17), both
            averaged over the images. Defaults to 'kl'.
        mix (str): 'probabilities', the paper's, or 'logits': the target is
            the softmax of the mixed logits, as in the authors' public code.
            Defaults to 'probabilities'.
        batches (str): See :class:`MixLoss`. Defaults to 'regions'.

    Raises:
        ValueError: If ``distance`` or ``mix`` is unknown.
    """

    requires = frozenset({'logits'})

    def __init__(self,
                 loss_weight: float = 1.0,
                 distance: str = 'kl',
                 mix: str = 'probabilities',
                 batches: str = 'regions'):
        super().__init__(loss_weight, batches)
        check_name('distance', distance, ('kl', 'l1'))
        check_name('mix', mix, ('probabilities', 'logits'))
        self.distance = distance
        self.mix = mix

    def target(self, logits: Tensor, source: Tensor, lam: Tensor) -> Tensor:
        """What the mixed image should be predicted as ``(N, num_classes)``.
        """
        if self.mix == 'logits':
            return mix_labels(logits, source, lam).softmax(1)
        return mix_labels(logits.softmax(1), source, lam)

    def compute(self, head: nn.Module, logits: Tensor, mixed: MixedBatch,
                guidance: Optional[Guidance],
                tokens: Optional[Tensor]) -> Tensor:
        target = self.target(guidance.logits.float(), mixed.source, mixed.lam)
        if self.distance == 'l1':
            return (logits.softmax(1) - target).abs().sum(1).mean()
        return F.kl_div(logits.log_softmax(1), target, reduction='batchmean')
