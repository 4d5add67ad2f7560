from typing import Tuple

from mmpretrain.models.classifiers import BaseClassifier
from torch import Tensor

from mmmix.errors import MmmixError
from mmmix.functional import above_threshold, cosine_relevance
from mmmix.models.attention.maps import (AttentionMap, check_sigma,
                                         class_weights, label_weights)
from mmmix.registry import TASK_UTILS
from ..backbones.absvit import AbSViT
from .base import find_extractor


@TASK_UTILS.register_module()
class AbSViTTopDown(AttentionMap):
    r"""Top-down attention of a pretrained AbSViT (TdAttenMix, public code).

    The paper's Eq. 3-5 are :class:`TopDown`; this is what the authors' public
    code does instead, with a frozen AbSViT-B/16 as the guide of every model.
    A first pass gives the tokens t, including the class token. Each is scaled
    by its relevance for the label,

    .. math::
        r(t) = \max(\cos(t, w_y), 0)

    with the label's classifier weight :math:`w_y`, and decoded into a signal
    for V of each block in a second pass (see :class:`AbSViT`). With the
    relevance r of the patch tokens in the second pass, the map is

    .. math::
        \max(r - (0.7 \max r + 0.3 \min r), 0)

    At :math:`\sigma = 0` it is not a bottom-up map: the tokens are still
    scored by the label.

    The checkpoint in the example below comes from
    ``tools/model_converters/absvit.py``. The classes of the guide must be
    those of the trained model. (The public code uses the weights of the first
    ImageNet classes for CIFAR-100, Tiny-ImageNet and CUB-200; here that is an
    error.)

    Args:
        sigma (float): Balance, the factor of the signals, non-negative.
            Defaults to 1, as in the public code.

    Raises:
        MmmixError: If sigma is negative or not finite, or the guide's
            backbone is not an AbSViT.

    >>> guide = dict(
    ...     type='mmmix.FrozenGuide',
    ...     config=dict(
    ...         model=dict(
    ...             type='ImageClassifier',
    ...             backbone=dict(type='mmmix.AbSViT', arch='base'),
    ...             head=dict(
    ...                 type='VisionTransformerClsHead',
    ...                 num_classes=1000,
    ...                 in_channels=768))),
    ...     checkpoint='absvit-base.pth',
    ...     attention_map=dict(type='mmmix.AbSViTTopDown'))
    """

    requires_labels = True

    def __init__(self, sigma: float = 1.0):
        self.sigma = check_sigma(sigma)

    def check(self, model: BaseClassifier) -> None:
        if not isinstance(model.backbone, AbSViT):
            raise MmmixError(
                'AbSViTTopDown requires an AbSViT as the backbone of the '
                f'guide, not a {type(model.backbone).__name__}: use it as the '
                '`attention_map` of a mmmix.FrozenGuide whose config has '
                "backbone=dict(type='mmmix.AbSViT', ...), as its docstring "
                "shows, or choose attention_map=dict(type='mmmix.TopDown').")
        class_weights(model.head)

    def __call__(  # type: ignore[override]  # it requires labels
            self, model: BaseClassifier, inputs: Tensor,
            labels: Tensor) -> Tuple[Tensor, Tuple]:
        backbone = model.backbone
        extractor = find_extractor(backbone)
        weights = label_weights(model.head, labels)
        with extractor.recording() as outputs:
            features = backbone(inputs)
        tokens = outputs['tokens']
        # treat the tokens as a map of one column
        relevance = cosine_relevance(tokens.float().mT[..., None], weights)
        signals = backbone.feedback(tokens * relevance.to(tokens.dtype))
        with extractor.recording() as outputs:
            steered = backbone(inputs, [self.sigma * s for s in signals])
        tokens = extractor.tokens(outputs, steered, inputs.shape[-2:])
        return above_threshold(cosine_relevance(tokens.float(),
                                                weights)), features
