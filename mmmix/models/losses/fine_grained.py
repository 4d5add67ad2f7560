from typing import Optional

import torch.nn.functional as F
from torch import Tensor, nn

from mmmix.functional import region_means
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch
from .base import TokenLoss


@MODELS.register_module()
class FineGrainedLoss(TokenLoss):
    r"""Fine-grained label assignment (SMMix, Eq. 10-13).

    The mean token of the pasted region is classified as the source, that of
    the rest as the target:

    .. math::
        L_{fine} = \frac{1}{2} (CE(F(\bar X_A), y_A) + CE(F(\bar X_B), y_B))

    averaged over the images. A token on the border of the region counts for
    both by its share of the area. A region without tokens adds no loss.

    Args:
        loss_weight (float): Weight of the loss. Defaults to 1.
        label_smooth (float): Label smoothing of both targets: 0 in the paper
            (the default), 0.1 in the authors' public code.
        second_classifier (bool): Classify regions by a second linear layer,
            as the authors' public code does, instead of the head's classifier
            F; it is initialised like that one. It adds parameters,
            ``head.mix_losses``, which must be dropped before a strict load
            into a stock model. Defaults to False.

    Raises:
        MmmixError: If ``label_smooth`` is outside [0, 1).

    >>> import numpy as np
    >>> import torch
    >>> from mmmix.models import CutMix, MixLinearClsHead
    >>> source, box = np.array([1, 0]), np.array([0, 0, 8, 8])
    >>> params = dict(source=source, box=box, lam=0.25)
    >>> mixed = CutMix().mix(torch.rand(2, 3, 16, 16), torch.eye(2), params)
    >>> head = MixLinearClsHead(num_classes=2, in_channels=8)
    >>> _ = nn.init.zeros_(head.fc.bias)  # two equal classes: ln 2
    >>> tokens = torch.zeros(2, 8, 4, 4)
    >>> loss = FineGrainedLoss()(head, torch.zeros(2, 2), mixed, tokens=tokens)
    >>> round(loss.item(), 4)
    0.6931
    """

    requires = frozenset({'regions', 'tokens'})

    def __init__(self,
                 loss_weight: float = 1.0,
                 label_smooth: float = 0.0,
                 second_classifier: bool = False):
        super().__init__(loss_weight, label_smooth, second_classifier)

    def compute(self, head: nn.Module, logits: Tensor, mixed: MixedBatch,
                guidance: Optional[Guidance],
                tokens: Optional[Tensor]) -> Tensor:
        classify = self.classifier_of(head)
        mask = mixed.mask_on(tokens.shape[-2:]).to(tokens.dtype)
        loss = logits.new_zeros(())
        for weight, labels in ((mask, mixed.source_labels), (1 - mask,
                                                             mixed.labels)):
            means, exists = region_means(tokens, weight)
            each = F.cross_entropy(
                classify(means),
                labels.float(),
                reduction='none',
                label_smoothing=self.label_smooth)
            loss = loss + each.masked_fill(~exists, 0).mean()
        return loss / 2
