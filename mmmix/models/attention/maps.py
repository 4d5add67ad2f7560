"""How a guide looks at an image: at what is salient, or at a label."""
from abc import ABCMeta, abstractmethod
from typing import Optional, Tuple

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.functional import (
    blended_class_activation,
    cosine_relevance,
    label_relevance,
)
from mmmix.models.attention.base import AttentionExtractor, find_extractor
from mmmix.registry import TASK_UTILS


class AttentionMap(metaclass=ABCMeta):
    """Makes the attention map of a guide; a child defines :meth:`__call__`.

    Attributes:
        requires_labels (bool): Whether the map depends on the label.
    """

    requires_labels: bool = False

    def check(self, model: nn.Module) -> None:
        """Raise a ValueError if the view cannot look through this model."""
        find_extractor(model.backbone)

    @abstractmethod
    def __call__(self, model: nn.Module, inputs: Tensor,
                 labels: Optional[Tensor]) -> Tuple[Tensor, Tuple]:
        """Look at images.

        Args:
            model (nn.Module): A classifier, in eval mode.
            inputs (Tensor): Unmixed images ``(N, C, H, W)``.
            labels (Tensor, optional): One-hot or soft labels
                ``(N, num_classes)``, for a view with :attr:`requires_labels`.

        Returns:
            Tuple[Tensor, tuple]: Attention maps ``(N, h, w)``, float32, and
            the backbone's features of the unmodified pass.
        """


@TASK_UTILS.register_module()
class BottomUp(AttentionMap):
    """What is attended to, whatever the label (SMMix, Eq. 6): the default."""

    def __call__(self, model, inputs, labels=None):
        extractor = find_extractor(model.backbone)
        with extractor.recording() as outputs:
            features = model.backbone(inputs)
        attention = extractor.bottom_up(outputs, features, inputs.shape[-2:])
        return attention, features


@TASK_UTILS.register_module()
class ClassAttention(AttentionMap):
    """What the class token attends to in the last block (MixPro, Eq. 4)."""

    def check(self, model):
        find_extractor(model.backbone).check_class_attention()

    def __call__(self, model, inputs, labels=None):
        extractor = find_extractor(model.backbone)
        with extractor.recording() as outputs:
            features = model.backbone(inputs)
        size = inputs.shape[-2:]
        return extractor.class_attention(outputs, features, size), features


@TASK_UTILS.register_module()
class TopDown(AttentionMap):
    r"""The balanced task adaptive attention (TdAttenMix, Eq. 3-5).

    The label's classifier weight :math:`w_y` says how relevant each token is;
    :math:`\sigma` balances this top-down signal with the bottom-up
    attention, which is what remains at :math:`\sigma = 0`. The paper leaves
    open how a map is read from Eq. 5; the forms are:

    - ``'two_pass'`` (ViT and its kin): a first pass gives the tokens t; in a
      second one :math:`\sigma\,t w_y` is broadcast and added to V in every
      block, Q and K of a block are left as they are; the map is the
      image attention score (SMMix, Eq. 6) of the second pass's last block.
    - ``'one_pass'``: the bottom-up score of each token, times
      :math:`1 + \sigma \max(\cos(t, w_y), 0)`.
    - ``'cam'`` (CNN): the activation energy plus :math:`\sigma` times the
      positive class activation map of the label, brought to the same sum.

    Args:
        sigma (float): Balance, not negative. Defaults to 1, the paper's best.
        form (str, optional): One of the above. Defaults to None: the first
            in the extractor's ``top_down_forms``.

    Raises:
        ValueError: If sigma is negative, or the form is unknown or not among
            the extractor's.
    """

    requires_labels = True

    def __init__(self, sigma: float = 1.0, form: Optional[str] = None):
        self.sigma = check_sigma(sigma)
        self.form = form

    def form_for(self, extractor: AttentionExtractor) -> str:
        """The form that will run on a backbone."""
        form = self.form or extractor.top_down_forms[0]
        if form not in extractor.top_down_forms:
            raise MmmixError(
                f"TopDown has no form '{self.form}' for the backbone "
                f'{type(extractor.backbone).__name__}: choose among '
                f'{extractor.top_down_forms}, or None for the first.')
        return form

    def check(self, model):
        form = self.form_for(find_extractor(model.backbone))
        class_weights(model.head)
        print_log(
            f'TopDown looks through {type(model.backbone).__name__} in the '
            f"form '{form}', sigma={self.sigma:g}.", 'current')

    def __call__(self, model, inputs, labels):
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
                again = model.backbone(inputs)
            return extractor.bottom_up(outputs, again, size), features
        attention = extractor.bottom_up(outputs, features, size)
        if form == 'cam':
            attention = blended_class_activation(
                attention, label_relevance(tokens, weights), self.sigma)
        else:
            relevance = cosine_relevance(tokens, weights)
            attention = attention * (1 + self.sigma * relevance)
        return attention, features


def check_sigma(sigma: float) -> float:
    if not 0 <= sigma < float('inf'):
        raise MmmixError('`sigma` must be a number of at least 0, not '
                         f'{sigma!r}.')
    return float(sigma)


def label_weights(head: nn.Module, labels: Tensor) -> Tensor:
    """Classifier weights :math:`w_y` of each image's label ``(N, C)``,
    float32; of a soft label their mean.

    Args:
        head (nn.Module): See :func:`class_weights`.
        labels (Tensor): One-hot or soft labels ``(N, num_classes)``.
    """
    with torch.autocast(labels.device.type, enabled=False):
        return labels.float() @ class_weights(head).float()


def class_weights(head: nn.Module) -> Tensor:
    """Weights ``(num_classes, C)`` of a head's last linear layer, without
    gradient.

    Raises:
        ValueError: If the head is neither a linear head nor a ViT's, or has
            a hidden layer.
    """
    layers = getattr(head, 'layers', None)
    layer = getattr(head, 'fc', getattr(layers, 'head', None))
    if not isinstance(layer, nn.Linear) or hasattr(layers, 'pre_logits'):
        raise MmmixError(
            'A label steers the attention by its weights in the last linear '
            f'layer, which {type(head).__name__} does not hold as `fc` or '
            '`layers.head` right behind the features: give the guide a '
            'LinearClsHead or a VisionTransformerClsHead without '
            "`hidden_dim`, or attention_map=dict(type='mmmix.BottomUp').")
    return layer.weight.detach()
