from mmmix.errors import MmmixError
from mmmix.functional import above_threshold, cosine_relevance
from mmmix.models.attention.maps import (
    AttentionMap,
    check_sigma,
    class_weights,
    label_weights,
)
from mmmix.registry import TASK_UTILS

from ..backbones.absvit import AbSViT
from .base import find_extractor


@TASK_UTILS.register_module()
class AbSViTTopDown(AttentionMap):
    r"""Top-down attention of a pretrained AbSViT (TdAttenMix, public code).

    The paper's Eq. 3-5 are :class:`TopDown`; this is what the authors' public
    code runs instead, with a frozen AbSViT-B/16 for every student. A first
    pass gives the tokens t, the class token among them. Each is scaled by its
    relevance for the label,

    .. math::
        r(t) = \max(\cos(t, w_y), 0)

    with the label's classifier weight :math:`w_y`, and decoded to a signal
    for V of each block of a second pass (:class:`AbSViT` shows how). With the
    relevance r of the second pass's patch tokens the map is

    .. math::
        \max(r - (0.7 \max r + 0.3 \min r), 0)

    It is no bottom-up map at :math:`\sigma = 0`: the label still scores the
    tokens.

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

    The checkpoint comes from ``tools/model_converters/absvit.py``. The
    guide's classes must be the student's. (The public code takes the weights
    of ImageNet's first classes for CIFAR-100, Tiny-ImageNet and CUB-200;
    here that is refused.)

    Args:
        sigma (float): Balance, the factor of the signals, not negative.
            Defaults to 1, the public code's.

    Raises:
        ValueError: If sigma is negative, or the guide's backbone is no
            AbSViT.
    """

    requires_labels = True

    def __init__(self, sigma: float = 1.0):
        self.sigma = check_sigma(sigma)

    def check(self, model):
        if not isinstance(model.backbone, AbSViT):
            raise MmmixError(
                'AbSViTTopDown looks through an AbSViT, not through a '
                f'{type(model.backbone).__name__}: give the view to a '
                'mmmix.FrozenGuide whose config has '
                "backbone=dict(type='mmmix.AbSViT', ...), as its docstring "
                "shows, or choose attention_map=dict(type='mmmix.TopDown').")
        class_weights(model.head)

    def __call__(self, model, inputs, labels):
        backbone = model.backbone
        extractor = find_extractor(backbone)
        weights = label_weights(model.head, labels)
        with extractor.recording() as outputs:
            features = backbone(inputs)
        tokens = outputs['tokens']
        # as a map of one column
        relevance = cosine_relevance(tokens.float().mT[..., None], weights)
        signals = backbone.feedback(tokens * relevance.to(tokens.dtype))
        with extractor.recording() as outputs:
            steered = backbone(inputs, [self.sigma * s for s in signals])
        tokens = extractor.tokens(outputs, steered, inputs.shape[-2:])
        return above_threshold(cosine_relevance(tokens.float(),
                                                weights)), features
