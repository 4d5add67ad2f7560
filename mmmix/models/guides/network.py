from abc import abstractmethod
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import FrozenSet, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
import torch.nn.functional as F
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmmix.errors import MissingIngredient, MmmixError
from mmmix.registry import TASK_UTILS, build_as
from mmmix.structures import Guidance
from ..attention import AttentionMap, find_extractor
from .base import Guide


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

    Raises:
        MmmixError: If scale, size or dtype is out of range, or both a scale
            and a size are given.
    """

    gives = frozenset({'attention', 'logits', 'saliency'})

    def __init__(self,
                 attention_map: Optional[dict] = None,
                 scale: float = 1.0,
                 input_size: Union[int, Sequence[int], None] = None,
                 dtype: Optional[str] = None):
        self.attention_map = build_as(
            AttentionMap, TASK_UTILS, attention_map
            or dict(type='mmmix.BottomUp'), 'attention_map')
        if not 0 < scale <= 4:
            raise MmmixError('`scale` of a guide must be in (0, 4], not '
                             f'{scale!r}.')
        self.input_size: Optional[Tuple[int, int]] = None
        if input_size is not None:
            size = np.atleast_1d(input_size)
            if scale != 1 or size.size > 2 or size.dtype.kind != 'i' \
                    or size.min() < 1:
                raise MmmixError(
                    '`input_size` of a guide must be one or two positive '
                    'whole numbers, and excludes `scale`; got '
                    f'{input_size!r} and scale={scale}.')
            height, width = np.broadcast_to(size, 2).tolist()
            self.input_size = height, width
        if dtype not in (None, 'bfloat16', 'float16'):
            raise MmmixError("`dtype` of a guide must be 'bfloat16', "
                             f"'float16' or None, not {dtype!r}.")
        self.scale = scale
        self.dtype = None if dtype is None else getattr(torch, dtype)

    @abstractmethod
    def network(self, model: nn.Module) -> nn.Module:
        """The classifier that is asked while a model is trained.

        Args:
            model (nn.Module): The model under training.
        """

    def check(self, model: nn.Module, requires: FrozenSet[str]) -> None:
        if 'saliency' in requires:
            self._check_saliency(self.network(model))
        if 'attention' in requires:
            self._check_attention(model)

    def _check_saliency(self, network: nn.Module) -> None:
        if self.dtype is torch.float16:
            raise MmmixError(
                'Gradients by pixel, which `saliency` is made of, are smaller '
                "than float16 can hold: set dtype='bfloat16' of the guide, or "
                'None for float32.')
        _check_gradients(network)

    def _check_attention(self, model: nn.Module) -> None:
        network = self.network(model)
        self.attention_map.check(network)
        extractor = find_extractor(network.backbone)
        size = _declared_size(model)
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
        height, width = image_size
        return round(height * self.scale), round(width * self.scale)

    @torch.no_grad()
    def __call__(self,
                 model: nn.Module,
                 images: Tensor,
                 requires: FrozenSet[str],
                 labels: Optional[Tensor] = None,
                 samples: Optional[List[DataSample]] = None) -> Guidance:
        network = self.network(model)
        self._check_labels(requires, labels)
        by_gradient = 'saliency' in requires
        if by_gradient:
            _check_gradients(network)
            # the same memory, but nobody else's gradient
            images = images.detach().requires_grad_()
        with evaluating(network), no_autocast_cache(), \
                self._precision(images, by_gradient), \
                torch.set_grad_enabled(by_gradient):
            shown = self.shown(model, images)
            found = Guidance()
            if 'attention' in requires:
                attention, features = self.attention_map(
                    network, shown, labels)
                found.attention = attention.detach()
            else:
                features = network.backbone(shown)
            if requires <= {'attention'}:
                return found
            if network.with_neck:
                features = network.neck(features)
            logits = network.head(features).float()
            if 'logits' in requires:
                found.logits = logits.detach()
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

    def shown(self, model: nn.Module, images: Tensor) -> Tensor:
        """The images as the network sees them."""
        size = self.size_for(images.shape[-2:])
        if size == tuple(images.shape[-2:]):
            return images
        return F.interpolate(images, size, mode='bilinear', antialias=True)

    def _precision(self, images: Tensor,
                   by_gradient: bool) -> AbstractContextManager:
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


def _declared_size(model: nn.Module) -> Optional[Tuple[int, int]]:
    """The image size that a classifier's backbone declares, if any."""
    try:
        return find_extractor(model.backbone).image_size
    except MmmixError:  # no attention is required of this backbone
        return None


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into eval mode, and restore every module's own flag after.

    Flags are set one by one, because a backbone's ``train()`` may do more.
    """
    flags = {module: module.training for module in model.modules()}
    for module in flags:
        module.training = False
    try:
        yield
    finally:
        for module, flag in flags.items():
            module.training = flag


@contextmanager
def no_autocast_cache() -> Iterator[None]:
    """Keep a pass without gradients out of autocast's weight cache.

    In older torch (2.1, but not 2.11) the training pass that follows would
    take weights that were cast under ``no_grad`` from the cache, and silently
    not train them.
    """
    enabled = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)
    try:
        yield
    finally:
        torch.set_autocast_cache_enabled(enabled)
