"""What every mixer is: hyper-parameters, one `sample`, one pure `mix`."""
from abc import ABCMeta, abstractmethod
from contextlib import contextmanager
from typing import Dict, FrozenSet, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from mmmix.errors import MmmixError
from mmmix.structures import Guidance, MixedBatch

Params = Dict[str, np.ndarray]


class BatchMixer(metaclass=ABCMeta):
    """A batch augment that answers a :class:`MixedBatch`.

    A new mixer defines :meth:`sample` and :meth:`mix`, and is registered in
    ``mmmix.registry.BATCH_AUGMENTS``. Calling it keeps MMPretrain's contract
    ``(inputs, scores) -> (inputs, scores)``, so a mixer that needs no
    guidance works in a stock ``ClsDataPreprocessor`` too.

    Attributes:
        needs (frozenset[str]): What :meth:`mix` wants from a guide:
            'attention', 'scores', both or nothing.
        regions (bool): Whether the mixed image has regions that belong to one
            of the two images each. False for a blend.
    """

    needs: FrozenSet[str] = frozenset()
    regions: bool = True

    @abstractmethod
    def sample(self, rng: np.random.Generator, batch_size: int,
               image_size: Sequence[int]) -> Params:
        """Draw all random numbers of one mix.

        Args:
            rng (np.random.Generator): The only source of randomness.
            batch_size (int): Number of images.
            image_size (Sequence[int]): Height and width of the images.

        Returns:
            dict: At least ``source``, an ``(N,)`` array: the index of the
            image that is pasted into each.
        """

    @abstractmethod
    def mix(self,
            inputs: Tensor,
            scores: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        """Mix a batch; the same arguments always give the same result.

        Args:
            inputs (Tensor): Images ``(N, C, H, W)``; left as they are.
            scores (Tensor): One-hot or soft labels ``(N, num_classes)``.
            params (dict): What :meth:`sample` drew.
            guidance (Guidance, optional): What the guide knows of the unmixed
                images, where :attr:`needs` asks for it.
        """

    def check_patch(self, patch: Optional[Tuple[int, int]]) -> None:
        """Refuse a backbone whose patches do not suit the mixer.

        Asked when the model is built; by default all backbones suit.

        Args:
            patch (Tuple[int, int], optional): Height and width in pixels of
                the patches of the model under training; None if it has none.

        Raises:
            ValueError: If the patches do not suit.
        """

    def __call__(self, inputs: Tensor,
                 scores: Tensor) -> Tuple[Tensor, Tensor]:
        """Mix a batch as MMPretrain's batch augments do.

        Args:
            inputs (Tensor): Images ``(N, C, H, W)``.
            scores (Tensor): One-hot or soft labels ``(N, num_classes)``.

        Returns:
            Tuple[Tensor, Tensor]: Mixed images and mixed labels.
        """
        if self.needs:
            needs = ' and '.join(sorted(self.needs))
            raise MmmixError(
                f'{type(self).__name__} needs {needs} of a guide, which '
                'a plain batch augment cannot ask: use '
                '`mmmix.MixClassifier` with `mmmix.MixDataPreprocessor`.')
        # MMEngine seeds the global state, so a seeded run stays reproducible
        rng = np.random.default_rng(np.random.randint(2**31))
        check_batch(inputs, scores)
        params = self.sample(rng, inputs.size(0), inputs.shape[-2:])
        mixed = self.mix(inputs, scores, params)
        return mixed.inputs, mixed.mixed_labels()


def check_batch(inputs: Tensor, scores: Tensor) -> None:
    """Refuse images and labels that do not belong together."""
    if inputs.ndim != 4 or scores.ndim != 2 \
            or inputs.size(0) != scores.size(0):
        raise MmmixError(
            'A mixer wants images (N, C, H, W) and one-hot or soft labels '
            f'(N, num_classes) of the same N, but got {tuple(inputs.shape)} '
            f'and {tuple(scores.shape)}.')


def pair(rng: np.random.Generator, batch_size: int, how: str) -> np.ndarray:
    """Draw which image is pasted into which.

    Args:
        how (str): 'flip' (the last into the first, and so on; in an odd batch
            the middle image meets itself) or 'shuffle'.
    """
    if how == 'flip':
        return np.arange(batch_size)[::-1]
    return rng.permutation(batch_size)


def check_pairing(how: str) -> str:
    if how not in ('flip', 'shuffle'):
        raise MmmixError("`pairing` must be 'flip' or 'shuffle', not "
                         f'{how!r}.')
    return how


def to_device(array: np.ndarray, like: Tensor) -> Tensor:
    """Host numbers as a tensor beside another, without stopping a GPU."""
    tensor = torch.from_numpy(array.copy())
    if like.is_cuda:
        tensor = tensor.pin_memory()
    return tensor.to(like.device, non_blocking=True)


def check_alpha(alpha: float, name: str = 'alpha') -> float:
    if not 0 < alpha < float('inf'):
        raise MmmixError(f'`{name}` of the Beta distribution must be a '
                         f'positive number, not {alpha!r}.')
    return float(alpha)


@contextmanager
def global_numpy_rng(rng: np.random.Generator):
    """Let code that draws from numpy's global state draw from ``rng``.

    MMPretrain's mixers do so; the global state is put back afterwards.
    """
    state = np.random.get_state()
    np.random.seed(rng.integers(2**32))
    try:
        yield
    finally:
        np.random.set_state(state)
