from typing import Optional

import torch.nn.functional as F
from torch import Tensor, nn

from mmmix.errors import check_name
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch
from .base import MixLoss


@MODELS.register_module()
class ConsistencyLoss(MixLoss):
    r"""Feature consistency constraint (SMMix, Eq. 14).

    The prediction :math:`Y_M` for the mixed image is drawn towards the same
    mix of the guide's predictions for the two unmixed images:

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
        MmmixError: If ``distance``, ``mix`` or ``batches`` is unknown.

    >>> import numpy as np
    >>> import torch
    >>> from mmmix.models import Mixup
    >>> params = dict(source=np.array([1, 0]), lam=0.25)
    >>> mixed = Mixup().mix(torch.rand(2, 3, 8, 8), torch.eye(2), params)
    >>> guidance = Guidance(logits=100 * torch.eye(2))  # certain of both
    >>> loss = ConsistencyLoss(distance='l1', batches='mixed')
    >>> loss(nn.Identity(), torch.zeros(2, 2), mixed, guidance)
    tensor(0.5000)
    """

    requires = frozenset({'logits'})
    one_class = True

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

    def target(self, logits: Tensor, mixed: MixedBatch) -> Tensor:
        """The reference distribution of each mixed image.

        Args:
            logits (Tensor): The guide's, of the unmixed images,
                ``(N, num_classes)``.
            mixed (MixedBatch): How they are mixed.
        """
        if self.mix == 'logits':
            return mixed.blend(logits).softmax(1)
        target = mixed.blend(logits.softmax(1))
        if mixed.own_lam is not None:  # the weights need not sum to 1
            target = F.normalize(target, p=1, dim=1)
        return target

    def compute(self, head: nn.Module, logits: Tensor, mixed: MixedBatch,
                guidance: Optional[Guidance],
                tokens: Optional[Tensor]) -> Tensor:
        target = self.target(guidance.logits.float(), mixed)
        if self.distance == 'l1':
            return (logits.softmax(1) - target).abs().sum(1).mean()
        return F.kl_div(logits.log_softmax(1), target, reduction='batchmean')
