"""The base of all mixers: hyper-parameters, `sample` and a pure `mix`."""
from abc import ABCMeta, abstractmethod
from typing import (Any, Callable, Dict, FrozenSet, Optional, Sequence, Tuple,
                    Union)

import numpy as np
import torch
from torch import Tensor, nn

from mmmix.errors import MmmixError, check_name
from mmmix.functional import copy_to
from mmmix.structures import Guidance, MixedBatch

Params = Dict[str, Any]  # NumPy arrays and scalars


class BatchMixer(metaclass=ABCMeta):
    """A batch augment that returns a :class:`MixedBatch`.

    A new mixer defines :meth:`sample` and :meth:`mix`, and is registered in
    ``mmmix.registry.BATCH_AUGMENTS``. Calling it keeps MMPretrain's contract
    ``(inputs, labels) -> (inputs, labels)``, so a mixer that requires no
    guidance also works in a stock ``ClsDataPreprocessor``, and with a guide
    every mixer of images works in any training loop.

    Attributes:
        requires (frozenset[str]): What :meth:`mix`, and the loss of its own
            module, require from a guide: names of fields of
            :class:`Guidance`.
        kind (str): :attr:`MixedBatch.kind` of what :meth:`mix` returns.
        module (nn.Module, optional): A module of the mixer's own, made at the
            latest by :meth:`prepare`. The classifier registers it as
            ``mixers.<name of the mixer>``, so that optimizer, wrappers,
            averages and checkpoints have it; inference does not use it.
            :meth:`mix` runs it without gradient, and
            :attr:`MixedBatch.generator_loss` trains it.
        in_place (bool): Whether each place of a mixed image shows, by the
            weights of the mask, what its two images have at that place, so
            that features can be mixed by the mask alone.
        modules (tuple[str, ...]): Paths of the modules of the backbone whose
            output it may mix instead of the images; none of them by default.
        smallest_batch (int): Number of images of the smallest batch that it
            mixes.
    """

    requires: FrozenSet[str] = frozenset()
    kind: str = 'regions'
    in_place: bool = True
    modules: Tuple[str, ...] = ()
    smallest_batch: int = 1
    module: Optional[nn.Module] = None

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
            labels: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        """Mix a batch; the same arguments always give the same result.

        Args:
            inputs (Tensor): Images ``(N, C, H, W)``; not modified.
            labels (Tensor): One-hot or soft labels ``(N, num_classes)``.
            params (dict): What :meth:`sample` drew.
            guidance (Guidance, optional): What the guide returned for the
                unmixed images; holds at least what :attr:`requires` names.

        Returns:
            MixedBatch: With the mixer's own lambda.
        """

    def sample_for(self, model: nn.Module, rng: np.random.Generator,
                   inputs: Tensor) -> Params:
        """Draw all random numbers of one mix of a batch, by default with
        :meth:`sample`, which knows no model.

        Args:
            model (nn.Module): The classifier that is trained on the mix.
            rng (np.random.Generator): The only source of randomness.
            inputs (Tensor): The batch ``(N, C, H, W)``.
        """
        return self.sample(rng, inputs.size(0), inputs.shape[-2:])

    def check(self, model: nn.Module) -> None:
        """Check, when a model is built, that the mixer suits it; by default
        every model passes.

        Args:
            model (nn.Module): The classifier to be trained.

        Raises:
            MmmixError: If the mixer does not suit it.
        """

    def prepare(self, model: nn.Module) -> None:
        """Make, when a model is built, what depends on it; by default
        nothing.

        Args:
            model (nn.Module): The classifier to be trained, which
                :meth:`check` found suitable.
        """

    def __call__(
        self,
        inputs: Tensor,
        labels: Tensor,
        guidance: Union[Guidance, Callable[..., Guidance], None] = None
    ) -> Tuple[Tensor, Tensor]:
        """Mix a batch in a training loop of yours, or as MMPretrain's batch
        augments do. Random numbers follow NumPy's global seed.

        Args:
            inputs (Tensor): Images ``(N, C, H, W)``.
            labels (Tensor): One-hot or soft labels ``(N, num_classes)``.
            guidance (Guidance | Callable, optional): What :attr:`requires`
                names, for the unmixed images; or a function ``(inputs,
                requires, labels)`` that returns it, such as
                :func:`mmmix.models.timm_guide`.

        Returns:
            Tuple[Tensor, Tensor]: Mixed images and mixed labels.

        Raises:
            MmmixError: If shapes do not fit, a guidance is missing, or it
                mixes inside of a network.
        """
        if self.modules:
            raise MmmixError(
                f'{type(self).__name__} mixes inside of the network, at '
                f'{" or ".join(self.modules)}, which a plain batch augment '
                'cannot: use `mmmix.MixClassifier` with '
                '`mmmix.MixDataPreprocessor`.')
        check_batch(inputs, labels)
        if callable(guidance):
            guidance = guidance(inputs, self.requires, labels)
        lacking = [
            word for word in sorted(self.requires)
            if getattr(guidance, word, None) is None
        ]
        if lacking:
            raise MmmixError(
                f'{type(self).__name__} requires {" and ".join(lacking)} from '
                'a guide: give one as the third argument, such as '
                'mmmix.models.timm_guide(model), or mmmix.structures.Guidance('
                f'{lacking[0]}=...) of your own. In a config, use '
                '`mmmix.MixClassifier` with `mmmix.MixDataPreprocessor`.')
        # MMEngine seeds the global state, so a seeded run stays reproducible
        rng = np.random.default_rng(np.random.randint(2**31))
        params = self.sample(rng, inputs.size(0), inputs.shape[-2:])
        mixed = self.mix(inputs, labels, params, guidance)
        return mixed.inputs, mixed.mixed_labels()

    def required(self, guidance: Optional[Guidance], word: str) -> Tensor:
        """A field of a guidance, such as 'attention'.

        Raises:
            MmmixError: If it is missing.
        """
        value = getattr(guidance, word, None)
        if value is None:
            raise MmmixError(
                f'{type(self).__name__} requires the {word} of the unmixed '
                f'images, but `guidance.{word}` is missing.')
        return value


def check_batch(inputs: Tensor, labels: Tensor) -> None:
    """Raise a MmmixError unless images and labels have the right shapes."""
    if inputs.ndim != 4 or labels.ndim != 2 \
            or inputs.size(0) != labels.size(0):
        raise MmmixError(
            'A mixer requires images (N, C, H, W) and one-hot or soft labels '
            f'(N, num_classes) of the same N, but got {tuple(inputs.shape)} '
            f'and {tuple(labels.shape)}. Numbers of classes become one-hot by '
            'torch.nn.functional.one_hot(labels, num_classes).float().')


def pair(rng: np.random.Generator, batch_size: int, how: str) -> np.ndarray:
    """Draw the source of each image.

    Args:
        rng (np.random.Generator): The only source of randomness.
        batch_size (int): Number of images N.
        how (str): 'flip': the last image is pasted into the first, and so on;
            in an odd batch the middle image is paired with itself. 'shuffle':
            a random permutation, in which an image is its own source once in
            N times. 'distinct': each image gets the next in a random circle,
            another one if there are two.

    Returns:
        np.ndarray: ``(N,)``, the index of each image's source.
    """
    if how == 'flip':
        return np.arange(batch_size)[::-1]
    order = rng.permutation(batch_size)
    if how == 'shuffle':
        return order
    source = np.empty_like(order)
    source[order] = np.roll(order, 1)
    return source


def check_pairing(how: str) -> str:
    """Return the name of a pairing, or raise a MmmixError."""
    check_name('pairing', how, ('flip', 'shuffle', 'distinct'))
    return how


def to_device(array: np.ndarray, like: Tensor) -> Tensor:
    """Copy an array to another tensor's device without blocking a GPU."""
    return copy_to(torch.from_numpy(array.copy()), like.device)


def for_each_image(number: np.ndarray, inputs: Tensor) -> Tensor:
    """One number for the batch, or one for each image, as ``(N,)`` float32 on
    the device of the inputs."""
    if np.ndim(number):
        return to_device(number, inputs)
    return torch.full((len(inputs), ), float(number), device=inputs.device)


def check_grid(grid: Union[int, Sequence[int], None],
               name: str = 'grid') -> Optional[Tuple[int, int]]:
    """Rows and columns of a grid given as one or two numbers; None stays
    None. Anything else raises a MmmixError."""
    if grid is None:
        return None
    size = np.atleast_1d(grid)
    if size.size not in (1, 2) or size.min() < 1:
        raise MmmixError(
            f'`{name}` must be one or two positive whole numbers, '
            f'or None, not {grid!r}.')
    rows, columns = np.broadcast_to(size, 2).tolist()
    return rows, columns


def check_alpha(alpha: float, name: str = 'alpha') -> float:
    """Return a parameter of a Beta distribution, or raise a MmmixError."""
    if not 0 < alpha < float('inf'):
        raise MmmixError(f'`{name}` of the Beta distribution must be a '
                         f'positive number, not {alpha!r}.')
    return float(alpha)


def positive_range(name: str,
                   given: Union[float, Sequence[float]],
                   most: float = 1e6) -> Tuple[float, float]:
    """A number, or the lowest and the highest of a range, as two numbers; or
    raise a MmmixError unless they are positive, of a size to compute with,
    and at most ``most``."""
    numbers = np.atleast_1d(given)
    if numbers.shape not in (
        (1, ), (2, )) or not (1e-6 <= numbers[0] <= numbers[-1] <= most):
        raise MmmixError(
            f'`{name}` must be a positive number, from 1e-06 to {most:g}, or '
            f'two of them, low <= high, not {given!r}.')
    return numbers[0].item(), numbers[-1].item()
