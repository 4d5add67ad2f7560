from abc import abstractmethod
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import FrozenSet, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
import torch.nn.functional as F
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.registry import TASK_UTILS, build_as
from mmmix.structures import Guidance
from ..attention import AttentionMap, find_extractor
from .base import Guide


class NetworkGuide(Guide):
    """A guide that asks a classifier.

    A child defines :meth:`network`. The guide leaves no trace in it: no
    gradient, no batch-norm statistic, no changed train/eval flag.

    Its label maps are what the classifier says of each place of the last
    features, its patch tokens or feature map, instead of their mean or the
    class token. With an attention map they take a second pass.

    Args:
        attention_map (dict, optional): How the attention map is computed:
            ``mmmix.BottomUp`` (the default), ``mmmix.ClassAttention`` or
            ``mmmix.TopDown``.
        scale (float): The network sees the images at this multiple of their
            size; 0.5 costs a quarter. In (0, 4], defaults to 1.
        input_size (int | Sequence[int], optional): The network sees the
            images at this height and width instead. Defaults to None.
        dtype (str, optional): 'bfloat16' or 'float16' runs the network under
            autocast; None keeps the precision of the training. Defaults to
            None.

    Raises:
        MmmixError: If scale, size or dtype is out of range, or both a scale
            and a size are given.
    """

    gives = frozenset({'attention', 'logits', 'label_maps'})

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
        if not requires & {'attention', 'label_maps'}:
            return
        network = self.network(model)
        if 'attention' in requires:
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
        images = self.shown(model, images)
        with evaluating(network), no_autocast_cache(), self._precision(images):
            if 'attention' in requires:
                if self.attention_map.requires_labels and labels is None:
                    raise MmmixError(
                        f'{type(self.attention_map).__name__} requires '
                        'labels: call the guide with `labels` '
                        '(N, num_classes).')
                attention, features = self.attention_map(
                    network, images, labels)
            else:
                attention, features = None, None
            label_maps = None
            if 'label_maps' in requires:
                label_maps, features = self._label_maps(network, images)
            if 'logits' not in requires:
                return Guidance(attention=attention, label_maps=label_maps)
            if features is None:
                features = network.backbone(images)
            if network.with_neck:
                features = network.neck(features)
            logits = self.classify(network, features)
        return Guidance(
            attention=attention, logits=logits, label_maps=label_maps)

    def classify(self, network: nn.Module, features: tuple) -> Tensor:
        """Logits ``(N, num_classes)``, float32, of features after the
        neck."""
        return network.head(features).float()

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
        logits = self.classify(network, (places.flatten(0, 1), ))
        labels = logits.softmax(1).unflatten(0, (len(images), -1))
        return labels.transpose(1, 2).unflatten(2, grid), features

    def shown(self, model: nn.Module, images: Tensor) -> Tensor:
        """The images as the network sees them."""
        size = self.size_for(images.shape[-2:])
        if size == tuple(images.shape[-2:]):
            return images
        return F.interpolate(images, size, mode='bilinear', antialias=True)

    def _precision(self, images: Tensor) -> AbstractContextManager:
        if self.dtype is None:
            return nullcontext()
        return torch.autocast(images.device.type, self.dtype)


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
