import weakref
from abc import ABCMeta, abstractmethod
from contextlib import contextmanager, nullcontext
from typing import FrozenSet, Iterator, Optional, Sequence, Tuple, Union

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.registry import TASK_UTILS, build_as
from mmmix.structures import Guidance

from ..attention import AttentionMap, find_extractor


class Guide(metaclass=ABCMeta):
    """Answers what a classifier sees in the unmixed images.

    A guide is no ``nn.Module``: a checkpoint of the student never holds it,
    and no optimizer, wrapper or ``train()`` reaches it. It leaves no trace in
    the model it asks: no gradient, no batch-norm statistic, no changed
    train/eval flag.

    Args:
        attention_map (dict, optional): How it looks at an image:
            ``mmmix.BottomUp`` (the default), ``mmmix.ClassAttention`` or
            ``mmmix.TopDown``.
        scale (float): It is shown the images at this multiple of their size;
            0.5 costs a quarter. Defaults to 1.
        input_size (int | Sequence[int], optional): It is shown the images at
            this height and width instead. Defaults to None.
        dtype (str, optional): 'bfloat16' or 'float16' runs it under autocast;
            None leaves it as the training is. Defaults to None.

    Raises:
        ValueError: If scale, size or dtype is out of range, or both a scale
            and a size are given.
    """

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
        if input_size is not None:
            size = np.atleast_1d(input_size)
            if scale != 1 or size.size > 2 or size.dtype.kind != 'i' \
                    or size.min() < 1:
                raise MmmixError(
                    '`input_size` of a guide must be one or two positive '
                    'whole numbers, and excludes `scale`; got '
                    f'{input_size!r} and scale={scale}.')
            input_size = tuple(np.broadcast_to(size, 2).tolist())
        if dtype not in (None, 'bfloat16', 'float16'):
            raise MmmixError("`dtype` of a guide must be 'bfloat16', "
                             f"'float16' or None, not {dtype!r}.")
        self.scale = scale
        self.input_size = input_size
        self.dtype = dtype and getattr(torch, dtype)

    def bind(self, student: nn.Module) -> None:
        """Tell the guide which classifier is being trained."""
        self._student = weakref.ref(student)

    def bind_root(self, root: nn.Module) -> None:
        """Tell the guide what shards the weights of the model under training.

        Args:
            root (nn.Module): The outermost wrapper (FSDP), which gathers the
                weights for whoever calls it.
        """
        self._root = weakref.ref(root)

    def __getstate__(self) -> dict:
        # who holds a copy of this guide binds it anew
        state = dict(self.__dict__)
        state.pop('_student', None)
        state.pop('_root', None)
        return state

    def __deepcopy__(self, memo: dict) -> 'Guide':
        # what is frozen is shared
        copy = type(self).__new__(type(self))
        copy.__dict__.update(self.__getstate__())
        return copy

    @property
    def student(self) -> nn.Module:
        student = getattr(self, '_student', lambda: None)()
        if student is None:
            raise MmmixError(f'{type(self).__name__} does not know the model '
                             'under training: build the model as '
                             '`mmmix.MixClassifier`, which binds it.')
        return student

    @property
    def parts(self) -> Tuple['Guide', ...]:
        """The guides that are asked: itself, unless it is made of others."""
        return (self, )

    @property
    @abstractmethod
    def model(self) -> nn.Module:
        """The classifier that is asked."""

    @property
    def architecture(self) -> nn.Module:
        """A classifier built as :attr:`model` is, known at build time."""
        return self.model

    def check(self, wanted: FrozenSet[str]) -> None:
        """Refuse at build time what could not be answered later.

        Args:
            wanted (frozenset[str]): Among 'attention' and 'scores'.

        Raises:
            ValueError: If no attention extractor knows the backbone, the
                view cannot look through it, or the images at the guide's
                scale do not divide into its cells.
        """
        if 'attention' not in wanted:
            return
        self.attention_map.check(self.architecture)
        extractor = find_extractor(self.architecture.backbone)
        size = _declared_size(self.student)
        if not (size and extractor.image_size):
            return
        try:
            extractor.grid(self.size_for(size))
        except ValueError as error:
            raise MmmixError(
                f'{error} These are the sizes at which the guide is shown '
                f'images of {size[0]} x {size[1]}, by its scale='
                f'{self.scale:g} or input_size={self.input_size}.') from None

    def size_for(self, image_size: Sequence[int]) -> Tuple[int, int]:
        """Height and width at which images of this size are shown."""
        if self.input_size is not None:
            return self.input_size
        return tuple(round(side * self.scale) for side in image_size)

    @torch.no_grad()
    def __call__(self,
                 inputs: Tensor,
                 wanted: FrozenSet[str],
                 labels: Optional[Tensor] = None) -> Guidance:
        """Ask the guide.

        Args:
            inputs (Tensor): Unmixed images ``(N, C, H, W)``.
            wanted (frozenset[str]): Among 'attention' and 'scores'.
            labels (Tensor, optional): One-hot or soft labels
                ``(N, num_classes)``, for a view that wants them.
        """
        model = self.model
        root = getattr(self, '_root', lambda: None)()
        if root is None or model is not self.student:
            return self._answer(model, inputs, wanted, labels)
        # a submodule alone would find the shard of this process
        return root(
            inputs,
            mode='ask',
            ask=lambda inputs: self._answer(model, inputs, wanted, labels))

    def _answer(self, model: nn.Module, inputs: Tensor, wanted: FrozenSet[str],
                labels: Optional[Tensor]) -> Guidance:
        inputs = self._shown(inputs)
        with evaluating(model), no_autocast_cache(), self._precision(inputs):
            if 'attention' in wanted:
                if self.attention_map.requires_labels and labels is None:
                    raise MmmixError(
                        f'{type(self.attention_map).__name__} looks at a '
                        'label: ask the guide with `labels` (N, num_classes).')
                attention, features = self.attention_map(model, inputs, labels)
            else:
                attention, features = None, model.backbone(inputs)
            if 'scores' not in wanted:
                return Guidance(attention=attention)
            if model.with_neck:
                features = model.neck(features)
            logits = model.head(features).float()
        return Guidance(attention=attention, logits=logits)

    def _shown(self, inputs: Tensor) -> Tensor:
        """Images as the guide is shown them."""
        size = self.size_for(inputs.shape[-2:])
        if size == tuple(inputs.shape[-2:]):
            return inputs
        return F.interpolate(inputs, size, mode='bilinear', antialias=True)

    def _precision(self, inputs: Tensor):
        if self.dtype is None:
            return nullcontext()
        return torch.autocast(inputs.device.type, self.dtype)


def _declared_size(model: nn.Module) -> Optional[Tuple[int, int]]:
    """The image size that a classifier's backbone declares, if any."""
    try:
        return find_extractor(model.backbone).image_size
    except ValueError:  # nobody asks this one for attention
        return None


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Eval mode for a while; every module's own flag is put back.

    Flags are set one by one: ``train()`` of a backbone may do more.
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

    In older torch (2.1 has it, 2.11 has not) a weight that was cast under
    ``no_grad`` is taken from the cache by the training pass that follows, and
    is then silently not trained.
    """
    enabled = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)
    try:
        yield
    finally:
        torch.set_autocast_cache_enabled(enabled)
