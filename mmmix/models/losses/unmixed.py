from typing import Optional

from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch
from .base import MixLoss


@MODELS.register_module()
class UnmixedLoss(MixLoss):
    r"""The classification loss of the images before they were mixed.

    .. math::
        L_{unmixed} = \frac{1}{N} \sum_i CE(F(x_i), y_i)

    PuzzleMix and Co-Mixup call it the clean loss, AutoMix its one-hot branch.
    It is the head's own classification loss, here cross-entropy. The model
    under training runs once more, in training mode and with gradients, so a
    step costs one more forward and backward pass, and batch norm sees both
    kinds of images.

    The public code of PuzzleMix and Co-Mixup takes the saliency's gradient
    from this same pass (``clean_lam`` 1), and so shows the images in training
    mode for both; here the guide has a pass of its own, in eval mode. Their
    mixed loss is a binary cross-entropy on the softmax, averaged over the K
    classes, against which they weigh the clean loss by 2/K; beside a
    cross-entropy the weight is 1.

    Args:
        loss_weight (float): Weight of the loss. Defaults to 1.
        batches (str): See :class:`MixLoss`; 'all' counts the images of
            unmixed batches twice. Defaults to 'mixed'.

    Raises:
        MmmixError: If ``batches`` is unknown.

    >>> from mmmix.models import MixClassifier
    >>> model = MixClassifier(
    ...     backbone=dict(type='ResNet_CIFAR', depth=18),
    ...     neck=dict(type='GlobalAveragePooling'),
    ...     head=dict(
    ...         type='mmmix.MixLinearClsHead',
    ...         num_classes=2,
    ...         in_channels=512,
    ...         mix_losses=dict(unmixed=dict(type='mmmix.UnmixedLoss'))),
    ...     train_cfg=dict(augments=[dict(type='mmmix.CutMix')], probs=[0.5]))
    """

    requires = frozenset({'unmixed_logits'})

    def __init__(self, loss_weight: float = 1.0, batches: str = 'mixed'):
        super().__init__(loss_weight, batches)

    def compute(self, head: nn.Module, logits: Tensor, mixed: MixedBatch,
                guidance: Optional[Guidance],
                tokens: Optional[Tensor]) -> Tensor:
        unmixed = mixed.unmixed_logits
        if unmixed is None:
            raise MmmixError(
                'UnmixedLoss requires the logits of the unmixed images, but '
                '`mixed.unmixed_logits` is None: train with '
                '`mmmix.MixClassifier`, or set it.')
        return head.loss_module(
            unmixed.float(), mixed.labels.float(), avg_factor=len(unmixed))
