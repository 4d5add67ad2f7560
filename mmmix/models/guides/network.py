from abc import abstractmethod
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import FrozenSet, List, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from mmpretrain.structures import DataSample
from torch import Tensor, nn
from torch.func import functional_call

from mmmix.errors import MissingIngredient, MmmixError
from mmmix.registry import TASK_UTILS, build_as
from mmmix.structures import Guidance
from ..attention import (AttentionExtractor, AttentionMap, declared_size,
                         find_extractor)
from ..batch_augments.base import check_grid
from ..eval_mode import evaluating, keeping_activations, no_autocast_cache
from .base import Guide
from .features import as_map, find_layer, first_output


class NetworkGuide(Guide):
    r"""A guide that asks a classifier.

    A child defines :meth:`network`. The guide leaves no trace in it: no
    gradient, no batch-norm statistic, no changed train/eval flag. One pass
    gives all that is required at once.

    The saliency (PuzzleMix, Co-Mixup) is how much the cross-entropy L at an
    image's label depends on each of its pixels:

    .. math::
        s_{yx} = \sqrt{\frac{1}{C} \sum_c
        \Bigl(\frac{\partial L}{\partial x_{cyx}}\Bigr)^2}

    It is that of the image as the model under training sees it: where the
    network sees another size, normalisation or order of channels, the
    gradient flows back through the change. The label's classes are the
    network's own. No gradient of a weight is computed.

    Args:
        attention_map (dict, optional): How the attention map is computed:
            ``mmmix.BottomUp`` (the default), ``mmmix.ClassAttention`` or
            ``mmmix.TopDown``.
        scale (float): The network sees the images at this multiple of their
            size; 0.5 costs a quarter. In (0, 4], defaults to 1.
        input_size (int | Sequence[int], optional): The network sees the
            images at this height and width instead. Defaults to None.
        dtype (str, optional): 'bfloat16' or 'float16' runs the network under
            autocast; None keeps the precision of the training, but gives
            saliency in float32, without autocast. Defaults to None.
        feature_layer (str, optional): Which layer of the backbone has the
            features, by its path such as 'layer3' (ResNet) or 'layers.5'
            (ViT). Defaults to None, the last features of the backbone.

    Raises:
        MmmixError: If scale, size or dtype is out of range, or both a scale
            and a size are given.
    """

    gives = frozenset({
        'attention', 'logits', 'saliency', 'features', 'label_maps',
        'classifier'
    })

    def __init__(self,
                 attention_map: Optional[dict] = None,
                 scale: float = 1.0,
                 input_size: Union[int, Sequence[int], None] = None,
                 dtype: Optional[str] = None,
                 feature_layer: Optional[str] = None):
        self.attention_map = build_as(
            AttentionMap, TASK_UTILS, attention_map
            or dict(type='mmmix.BottomUp'), 'attention_map')
        if not 0 < scale <= 4:
            raise MmmixError('`scale` of a guide must be in (0, 4], not '
                             f'{scale!r}.')
        self.input_size = check_grid(input_size, 'input_size')
        if self.input_size and scale != 1:
            raise MmmixError('`input_size` of a guide excludes `scale`; got '
                             f'{input_size!r} and scale={scale}.')
        if dtype not in (None, 'bfloat16', 'float16'):
            raise MmmixError("`dtype` of a guide must be 'bfloat16', "
                             f"'float16' or None, not {dtype!r}.")
        self.scale = scale
        self.dtype = None if dtype is None else getattr(torch, dtype)
        self.feature_layer = feature_layer

    @abstractmethod
    def network(self, model: nn.Module) -> nn.Module:
        """The classifier that is asked while a model is trained.

        Args:
            model (nn.Module): The model under training.
        """

    def check(self, model: nn.Module, requires: FrozenSet[str]) -> None:
        network = self.network(model)
        if 'features' in requires and self.feature_layer is not None:
            find_layer(network.backbone, self.feature_layer)
        if 'saliency' in requires:
            self._check_saliency(network)
        if 'attention' in requires:
            self.attention_map.check(network)
        if requires & {'attention', 'label_maps'}:
            self._check_grid(model, find_extractor(network.backbone))

    def _check_saliency(self, network: nn.Module) -> None:
        if self.dtype is torch.float16:
            raise MmmixError(
                'Gradients by pixel, which `saliency` is made of, are smaller '
                "than float16 can hold: set dtype='bfloat16' of the guide, or "
                'None for float32.')
        _check_gradients(network)

    def _check_grid(self, model: nn.Module,
                    extractor: AttentionExtractor) -> None:
        size = declared_size(model.backbone)
        if not (size and extractor.image_size):
            return
        try:
            extractor.grid(self.size_for(size))
        except MmmixError as error:
            raise MmmixError(
                f'{error} This is the size at which the guide sees images '
                f'of {size[0]} x {size[1]}, by its scale='
                f'{self.scale:g} or input_size={self.input_size}.') from None

    def size_for(self, image_size: Sequence[int]) -> Tuple[int, int]:
        """Height and width at which the network sees images of this size."""
        if self.input_size is not None:
            return self.input_size
        height, width = (round(side * self.scale) for side in image_size)
        if not (height and width):
            raise MmmixError(
                f'`scale` {self.scale:g} of a guide leaves no pixel of images '
                'of {} x {} pixels: set a larger one, or `input_size`.'.format(
                    *image_size))
        return height, width

    @torch.no_grad()
    def __call__(self,
                 model: nn.Module,
                 images: Tensor,
                 requires: FrozenSet[str],
                 labels: Optional[Tensor] = None,
                 samples: Optional[List[DataSample]] = None) -> Guidance:
        found = Guidance()
        if 'classifier' in requires:
            found.classifier = partial(self.classify, model)
            requires = requires - {'classifier'}
        if not requires:
            return found
        network = self.network(model)
        self._check_labels(requires, labels)
        if labels is not None:
            labels = self.network_labels(network, labels)
        by_gradient = 'saliency' in requires
        if by_gradient:
            _check_gradients(network)
            # the same memory, but nobody else's gradient
            images = images.detach().requires_grad_()
        with evaluating(network), keeping_activations(network), \
                no_autocast_cache(), \
                self._precision(images, by_gradient), \
                torch.set_grad_enabled(by_gradient), \
                self._recording(network, requires) as layer_outputs:
            shown = self.shown(model, images)
            features = None
            if 'attention' in requires:
                attention, features = self.attention_map(
                    network, shown, labels)
                found.attention = attention.detach()
            if 'label_maps' in requires:
                label_maps, features = self._label_maps(network, shown)
                found.label_maps = label_maps.detach()
            if features is None:
                features = network.backbone(shown)
            if 'features' in requires:
                found.features = as_map((layer_outputs
                                         or features)[-1], network.backbone,
                                        shown.shape[-2:]).detach().float()
            if requires & {'logits', 'saliency'}:
                if network.with_neck:
                    features = network.neck(features)
                logits = network.head(features).float()
                if 'logits' in requires:
                    found.logits = self.own_classes(network, logits).detach()
                if by_gradient:
                    found.saliency = pixel_saliency(logits, labels, images)
        return found

    def _check_labels(self, requires: FrozenSet[str],
                      labels: Optional[Tensor]) -> None:
        name = None
        if 'attention' in requires and self.attention_map.requires_labels:
            name = type(self.attention_map).__name__
        elif 'saliency' in requires:
            name = 'The saliency'
        if name and labels is None:
            raise MmmixError(f'{name} requires labels: call the guide with '
                             '`labels` (N, num_classes).')

    def own_classes(self, network: nn.Module, logits: Tensor) -> Tensor:
        """The logits ``(N, num_classes)`` of the classes of the model under
        training among those of the network; by default all."""
        return logits

    def network_labels(self, network: nn.Module, labels: Tensor) -> Tensor:
        """Labels ``(N, num_classes)`` of the model under training as labels
        of the network's classes; by default the same."""
        return labels

    def _label_maps(self, network: nn.Module,
                    images: Tensor) -> Tuple[Tensor, tuple]:
        """Label maps ``(N, num_classes, h, w)``, and the backbone's
        features."""
        extractor = find_extractor(network.backbone)
        with extractor.recording() as outputs:
            features = network.backbone(images)
        tokens = extractor.tokens(outputs, features, images.shape[-2:])
        grid = tokens.shape[-2:]
        places = tokens.flatten(2).transpose(1, 2)  # (N, hw, C)
        logits = network.head((places.flatten(0, 1), )).float()
        labels = self.own_classes(network, logits).softmax(1)
        labels = labels.unflatten(0, (len(images), -1))
        return labels.transpose(1, 2).unflatten(2, grid), features

    def classify(self, model: nn.Module, images: Tensor) -> Tensor:
        """Logits of any images, see :attr:`Guidance.classifier`.

        Args:
            model (nn.Module): The model under training.
            images (Tensor): ``(N, C, H, W)``, normalised for the model.

        Returns:
            Tensor: ``(N, num_classes)``, float32.
        """
        network = self.network(model)
        frozen = {n: p.detach() for n, p in network.named_parameters()}
        images = self.shown(model, images)
        with evaluating(network), keeping_activations(network), \
                self._precision(images):
            logits = functional_call(network, frozen, (images, )).float()
        return self.own_classes(network, logits)

    def _recording(self, network: nn.Module,
                   requires: FrozenSet[str]) -> AbstractContextManager:
        if 'features' not in requires or self.feature_layer is None:
            return nullcontext()
        return first_output(find_layer(network.backbone, self.feature_layer))

    def shown(self, model: nn.Module, images: Tensor) -> Tensor:
        """The images as the network sees them."""
        size = self.size_for(images.shape[-2:])
        if size == tuple(images.shape[-2:]):
            return images
        return F.interpolate(images, size, mode='bilinear', antialias=True)

    def _precision(self,
                   images: Tensor,
                   by_gradient: bool = False) -> AbstractContextManager:
        device = images.device.type
        if self.dtype is not None:
            return torch.autocast(device, self.dtype)
        if by_gradient:
            return torch.autocast(device, enabled=False)
        return nullcontext()


def pixel_saliency(logits: Tensor, labels: Tensor, images: Tensor) -> Tensor:
    """The saliency of :class:`NetworkGuide`, ``(N, H, W)`` float32.

    Args:
        logits (Tensor): ``(N, K)`` float32, computed from ``images``.
        labels (Tensor): One-hot or soft labels ``(N, K)``.
        images (Tensor): ``(N, C, H, W)``, leaves of the graph.
    """
    # of the sum, so that an image's does not depend on the size of the batch
    loss = F.cross_entropy(logits, labels.float(), reduction='sum')
    # no other gradient is accumulated, so no hook of one is called
    gradient, = torch.autograd.grad(loss, images)
    return gradient.float().square().mean(1).sqrt()


def _check_gradients(network: nn.Module) -> None:
    """Check that gradients can flow through a network to the images."""
    if not network.with_head:
        reason = 'has no head, and so no loss'
    elif torch.is_inference_mode_enabled() or any(
            p.is_inference() for p in network.parameters()):
        reason = ('runs or was built in torch.inference_mode(), which records '
                  'none (torch.no_grad() does no harm)')
    elif any(getattr(m, 'with_cp', False) for m in network.modules()):
        reason = ('is built with_cp=True, and this gradient checkpointing '
                  'always computes the gradients of the weights, too')
    else:
        return
    raise MissingIngredient(
        'saliency', 'The saliency of an image is a gradient, but the network '
        f'that the guide asks ({type(network.backbone).__name__}) {reason}. '
        'Change that, or let another network give it: guide=dict(saliency='
        "dict(type='mmmix.FrozenGuide', ...)).")
