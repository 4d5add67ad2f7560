import weakref
from abc import ABCMeta, abstractmethod
from contextlib import contextmanager
from typing import FrozenSet, Iterator

import torch
from torch import Tensor, nn

from mmmix.structures import Guidance
from ..attention import find_extractor

class Guide(metaclass=ABCMeta):
    """Answers what a classifier sees in the unmixed images.

    A guide is no ``nn.Module``: a checkpoint of the student never holds it,
    and no optimizer, wrapper or ``train()`` reaches it. It leaves no trace in
    the model it asks: no gradient, no batch-norm statistic, no changed
    train/eval flag.
    """

    def bind(self, student: nn.Module) -> None:
        """Tell the guide which classifier is being trained."""
        self._student = weakref.ref(student)

    def __getstate__(self) -> dict:
        # who holds a copy of this guide binds it anew
        state = dict(self.__dict__)
        state.pop('_student', None)
        return state

    @property
    def student(self) -> nn.Module:
        student = getattr(self, '_student', lambda: None)()
        if student is None:
            raise ValueError(f'{type(self).__name__} does not know the model '
                             'under training: build the model as '
                             '`mmmix.MixClassifier`, which binds it.')
        return student

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
            ValueError: If no attention extractor knows the backbone.
        """
        if 'attention' in wanted:
            find_extractor(self.architecture.backbone).check_image_size()

    @torch.no_grad()
    def __call__(self, inputs: Tensor, wanted: FrozenSet[str]) -> Guidance:
        """Ask the guide.

        Args:
            inputs (Tensor): Unmixed images ``(N, C, H, W)``.
            wanted (frozenset[str]): Among 'attention' and 'scores'.
        """
        model = self.model
        with evaluating(model), no_autocast_cache():
            if 'attention' not in wanted:
                features = model.extract_feat(inputs)
                return Guidance(logits=model.head(features).float())
            extractor = find_extractor(model.backbone)
            with extractor.watch(inputs.shape[-2:]) as read_attention:
                features = model.extract_feat(inputs)
            guidance = Guidance(attention=read_attention())
            if 'scores' in wanted:
                guidance.logits = model.head(features).float()
            return guidance


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
