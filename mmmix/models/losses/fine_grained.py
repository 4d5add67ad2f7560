from typing import Optional

import torch.nn.functional as F
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.functional import region_means
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch

from .base import MixLoss


@MODELS.register_module()
class FineGrainedLoss(MixLoss):
    r"""Fine-grained label assignment (SMMix, Eq. 10-13).

    The tokens of the region that was pasted, averaged, are classified as the
    source; those of the rest as the target:

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
            F; it is initialised like that one. It adds parameters: a strict
            load into a stock model must then drop ``head.mix_losses``.
            Defaults to False.

    Raises:
        ValueError: If ``label_smooth`` is outside [0, 1).
    """

    requires = frozenset({'regions', 'tokens'})

    def __init__(self,
                 loss_weight: float = 1.0,
                 label_smooth: float = 0.0,
                 second_classifier: bool = False):
        super().__init__(loss_weight, batches='regions')
        if not 0 <= label_smooth < 1:
            raise MmmixError('`label_smooth` must be in [0, 1), not '
                             f'{label_smooth!r}.')
        self.label_smooth = label_smooth
        self.second_classifier = second_classifier
        self.classifier = None

    def prepare(self, head):
        if self.second_classifier:
            self.classifier = nn.Linear(head.in_channels, head.num_classes)

    def compute(self, head: nn.Module, logits: Tensor, mixed: MixedBatch,
                guidance: Optional[Guidance],
                tokens: Optional[Tensor]) -> Tensor:
        classify = self.classifier or head.classify
        mask = mixed.mask_on(tokens.shape[-2:]).to(tokens.dtype)
        loss = 0.
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
