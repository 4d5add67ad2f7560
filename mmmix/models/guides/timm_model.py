from functools import partial
from typing import Any, Callable, Tuple

from mmpretrain.models.backbones import TIMMBackbone
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from torch import Tensor, nn

from .self_guide import SelfGuide


class TIMMFeatures(TIMMBackbone):
    """A model of timm as a backbone.

    Args:
        model (nn.Module): What ``timm.create_model`` returned.
    """

    def __init__(self, model: nn.Module):
        BaseBackbone.__init__(self)  # the parent would make another model
        self.timm_model: Any = model

    def forward(self, images: Tensor) -> Tuple[Tensor]:
        return self.timm_model.forward_features(images),


class TIMMHead(nn.Module):
    """The head of a model of timm.

    Attributes:
        fc (nn.Module): Its last linear layer.
    """

    def __init__(self, model: Any):
        super().__init__()
        self._model = [model]  # a part of the backbone, not of this module
        self.fc = model.get_classifier()
        self.num_classes = model.num_classes

    def forward(self, features: Tuple[Tensor]) -> Tensor:
        last, = features
        if last.ndim == 2:  # places, each to be classified
            return self.fc(last)
        return self._model[0].forward_head(last)


class TIMMClassifier(nn.Module):
    """A model of timm with the parts that a guide asks a classifier for.

    Args:
        model (nn.Module): What ``timm.create_model`` returned. It is not
            copied.
    """

    with_neck = False
    with_head = True

    def __init__(self, model: nn.Module):
        super().__init__()
        self.backbone = TIMMFeatures(model)
        self.head = TIMMHead(model)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.backbone(images))


def timm_guide(model: nn.Module, **kwargs) -> Callable:
    """Let a model of timm guide a mixer in a training loop of yours.

    It may be the model that is trained, which then guides itself, or another
    one. It is asked in eval mode and without gradients of its weights, and
    left as it was.

    Args:
        model (nn.Module): What ``timm.create_model`` returned: a ViT, DeiT,
            CaiT or CNN; for guides without attention maps (saliency, logits)
            any.
        **kwargs: Of :class:`~mmmix.models.SelfGuide`: ``attention_map``,
            ``scale``, ``input_size``, ``dtype``, ``feature_layer``.

    Returns:
        Callable: ``guide(images, requires, labels)``, to be given to a mixer.

    Raises:
        MmmixError: If the model cannot make the ``attention_map``; in the
            first call, if it can make none.

    >>> import timm, torch
    >>> from mmmix.models import SMMix
    >>> model = timm.create_model('test_vit', num_classes=4)
    >>> images, labels = torch.rand(2, 3, 160, 160), torch.eye(4)[[0, 3]]
    >>> mixed, targets = SMMix()(images, labels, timm_guide(model))
    >>> targets.sum(1)
    tensor([1., 1.])
    """
    guide, classifier = SelfGuide(**kwargs), TIMMClassifier(model)
    if 'attention_map' in kwargs:
        guide.attention_map.check(classifier)
    return partial(guide, classifier)
