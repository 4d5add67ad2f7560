"""The attention maps of a guide: independent of the label, or for a label."""
from abc import ABCMeta, abstractmethod
from typing import Optional, Tuple

import torch
from mmengine.logging import print_log
from mmpretrain.models.classifiers import BaseClassifier
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.functional import (blended_class_activation, cosine_relevance,
                              label_relevance)
from mmmix.models.attention.base import AttentionExtractor, find_extractor
from mmmix.registry import TASK_UTILS


class AttentionMap(metaclass=ABCMeta):
    """Computes the attention map of a guide.

    A subclass defines :meth:`__call__` and is registered in
    ``mmmix.registry.TASK_UTILS``.

    Attributes:
        requires_labels (bool): Whether the map depends on the label.
    """

    requires_labels: bool = False

    def check(self, model: BaseClassifier) -> None:
        """Raise an MmmixError if this map cannot be computed with the model.
        """
        find_extractor(model.backbone)

    @abstractmethod
    def __call__(self, model: BaseClassifier, inputs: Tensor,
                 labels: Optional[Tensor]) -> Tuple[Tensor, Tuple]:
        """Compute the attention maps of images.

        Args:
            model (BaseClassifier): A classifier in eval mode.
            inputs (Tensor): Unmixed images ``(N, C, H, W)``.
            labels (Tensor, optional): One-hot or soft labels
                ``(N, num_classes)``, given if :attr:`requires_labels`.

        Returns:
            Tuple[Tensor, tuple]: Attention maps ``(N, h, w)``, float32, and
            the backbone's features of the unmodified pass.
        """


@TASK_UTILS.register_module()
class BottomUp(AttentionMap):
    """What is attended to, independent of the label (SMMix, Eq. 6).

    This is the default attention map of a guide.

    >>> from mmpretrain.models import ImageClassifier
    >>> model = ImageClassifier(dict(type='ResNet', depth=18)).eval()
    >>> attention, features = BottomUp()(model, torch.rand(2, 3, 64, 96))
    >>> attention.shape
    torch.Size([2, 2, 3])
    """

    kind = 'bottom_up'  # the extractor's method

    def __call__(self,
                 model: BaseClassifier,
                 inputs: Tensor,
                 labels: Optional[Tensor] = None) -> Tuple[Tensor, Tuple]:
        extractor = find_extractor(model.backbone)
        with extractor.recording() as outputs:
            features = model.backbone(inputs)
        attention = getattr(extractor, self.kind)(outputs, features,
                                                  inputs.shape[-2:])
        return attention, features


@TASK_UTILS.register_module()
class ClassAttention(BottomUp):
    """What the class token attends to in the last block (MixPro, Eq. 4).

    >>> from mmpretrain.models import ImageClassifier
    >>> backbone = dict(type='VisionTransformer', arch='deit-tiny')
    >>> model = ImageClassifier(backbone).eval()
    >>> images = torch.rand(2, 3, 224, 224)
    >>> attention, features = ClassAttention()(model, images)
    >>> attention.shape
    torch.Size([2, 14, 14])
    """

    kind = 'class_attention'

    def check(self, model: BaseClassifier) -> None:
        find_extractor(model.backbone).check_class_attention()


@TASK_UTILS.register_module()
class TopDown(AttentionMap):
    r"""The balanced task adaptive attention (TdAttenMix, Eq. 3-5).

    The classifier weight :math:`w_y` of the label determines how relevant
    each token is; :math:`\sigma` balances this top-down signal with the
    bottom-up attention, which is the result at :math:`\sigma = 0`. The paper
    does not say how a map is obtained from Eq. 5; the forms here are:

    - ``'two_pass'`` (ViT and its subclasses): a first pass gives the tokens
      t; in a second pass :math:`\sigma\,t w_y` is broadcast over the channels
      and added to V in every block, while Q and K of that block are not
      changed. The map is the image attention score (SMMix, Eq. 6) of the last
      block in the second pass.
    - ``'one_pass'``: the bottom-up score of each token, times
      :math:`1 + \sigma \max(\cos(t, w_y), 0)`.
    - ``'cam'`` (CNN): the activation energy plus :math:`\sigma` times the
      positive class activation map of the label, scaled to the same sum.

    Args:
        sigma (float): Balance, non-negative. Defaults to 1, the best in the
            paper.
        form (str, optional): One of the above. Defaults to None: the first
            in the extractor's ``top_down_forms``.

    Raises:
        MmmixError: If sigma is negative or not finite, or the form is unknown
            or not among the extractor's.

    >>> from mmpretrain.models import ImageClassifier
    >>> model = ImageClassifier(
    ...     dict(type='ResNet', depth=18),
    ...     head=dict(type='LinearClsHead', num_classes=4, in_channels=512))
    >>> attention, features = TopDown(sigma=0.5)(
    ...     model.eval(), torch.rand(1, 3, 64, 96), torch.eye(4)[[2]])
    >>> attention.shape
    torch.Size([1, 2, 3])
    """

    requires_labels = True

    def __init__(self, sigma: float = 1.0, form: Optional[str] = None):
        self.sigma = check_sigma(sigma)
        self.form = form

    def form_for(self, extractor: AttentionExtractor) -> str:
        """The form that is used with the backbone of an extractor.

        Raises:
            MmmixError: If the extractor does not support the form.
        """
        form = self.form or extractor.top_down_forms[0]
        if form not in extractor.top_down_forms:
            raise MmmixError(
                f"TopDown has no form '{self.form}' for the backbone "
                f'{type(extractor.backbone).__name__}: choose one of '
                f'{extractor.top_down_forms}, or None for the first.')
        return form

    def check(self, model: BaseClassifier) -> None:
        form = self.form_for(find_extractor(model.backbone))
        class_weights(model.head)
        print_log(
            f"TopDown uses the form '{form}' with the backbone "
            f'{type(model.backbone).__name__}, sigma={self.sigma:g}.',
            'current')

    def __call__(  # type: ignore[override]  # it requires labels
            self, model: BaseClassifier, inputs: Tensor,
            labels: Tensor) -> Tuple[Tensor, Tuple]:
        extractor = find_extractor(model.backbone)
        form = self.form_for(extractor)
        size = inputs.shape[-2:]
        with extractor.recording() as outputs:
            features = model.backbone(inputs)
        tokens = extractor.tokens(outputs, features, size).float()
        weights = label_weights(model.head, labels)
        if form == 'two_pass':
            signal = self.sigma * label_relevance(tokens, weights)
            with extractor.added_to_values(signal), \
                    extractor.recording() as outputs:
                steered = model.backbone(inputs)
            return extractor.bottom_up(outputs, steered, size), features
        attention = extractor.bottom_up(outputs, features, size)
        if form == 'cam':
            attention = blended_class_activation(
                attention, label_relevance(tokens, weights), self.sigma)
        else:
            relevance = cosine_relevance(tokens, weights)
            attention = attention * (1 + self.sigma * relevance)
        return attention, features


def check_sigma(sigma: float) -> float:
    """Return sigma as a float; raise an MmmixError if it is negative or not
    finite."""
    if not 0 <= sigma < float('inf'):
        raise MmmixError('`sigma` must be a finite number of at least 0, not '
                         f'{sigma!r}.')
    return float(sigma)


def label_weights(head: nn.Module, labels: Tensor) -> Tensor:
    """Classifier weights :math:`w_y` ``(N, C)``, float32, of one-hot or soft
    labels ``(N, num_classes)``; for a soft label, the mean weighted by it."""
    with torch.autocast(labels.device.type, enabled=False):
        return labels.float() @ class_weights(head).float()


def class_weights(head: nn.Module) -> Tensor:
    """Weights ``(num_classes, C)`` of a head's last linear layer, detached.

    Args:
        head (nn.Module): A ``LinearClsHead``, or a
            ``VisionTransformerClsHead`` without a hidden layer.

    Raises:
        MmmixError: If the head is of another kind or has a hidden layer.
    """
    layers = getattr(head, 'layers', None)
    layer = getattr(head, 'fc', getattr(layers, 'head', None))
    if not isinstance(layer, nn.Linear) or hasattr(layers, 'pre_logits'):
        raise MmmixError(
            "Top-down attention requires the label's weights in the last "
            f'linear layer, but {type(head).__name__} does not hold such a '
            'layer as `fc` or `layers.head` directly after the features: give '
            'the guide a LinearClsHead or a VisionTransformerClsHead without '
            "`hidden_dim`, or attention_map=dict(type='mmmix.BottomUp').")
    return layer.weight.detach()
