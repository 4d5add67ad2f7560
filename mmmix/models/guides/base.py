"""What all guides have in common."""
from abc import ABCMeta, abstractmethod
from typing import FrozenSet, List, Optional

from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmmix.structures import Guidance


class Guide(metaclass=ABCMeta):
    """A function of a model and unmixed images that returns a `Guidance`.

    A guide is not an ``nn.Module``: it is not in the model's checkpoints, and
    optimizers, wrappers and ``train()`` do not reach it. It keeps no
    reference to the model that it is given, and leaves no trace in it.

    Attributes:
        gives (frozenset[str]): What it can be asked for: names of fields of
            :class:`Guidance`.
    """

    gives: FrozenSet[str] = frozenset()

    def __deepcopy__(self, memo: dict) -> 'Guide':
        # it keeps no reference to a model, so copies of a model can share it
        return self

    def check(self, model: nn.Module, requires: FrozenSet[str]) -> None:
        """Check, when a model is built, that the guide can return what is
        required; by default it can return what it :attr:`gives`.

        Args:
            model (nn.Module): The model under training.
            requires (frozenset[str]): Some of what the guide gives.

        Raises:
            MmmixError: If it cannot with this model.
        """

    @abstractmethod
    def __call__(self,
                 model: nn.Module,
                 images: Tensor,
                 requires: FrozenSet[str],
                 labels: Optional[Tensor] = None,
                 samples: Optional[List[DataSample]] = None) -> Guidance:
        """Compute the guidance for unmixed images.

        Args:
            model (nn.Module): The model under training.
            images (Tensor): Unmixed images ``(N, C, H, W)``, normalised for
                the model.
            requires (frozenset[str]): Some of what the guide gives.
            labels (Tensor, optional): One-hot or soft labels
                ``(N, num_classes)``, for what depends on them.
            samples (list[DataSample], optional): The data samples of the
                images, for a guide that reads them.

        Returns:
            Guidance: What is required.

        Raises:
            MmmixError: If labels or samples are required and missing.
        """
