from abc import ABCMeta, abstractmethod
from contextlib import contextmanager
from typing import Callable, Iterator, Sequence, Tuple

from torch import Tensor, nn

from mmmix.registry import ATTENTION_EXTRACTORS


class AttentionExtractor(metaclass=ABCMeta):
    """How one backbone family yields its attention map and patch tokens.

    A new family is one child, registered in
    ``mmmix.registry.ATTENTION_EXTRACTORS``.

    Args:
        backbone (nn.Module): A backbone of this family.
    """

    def __init__(self, backbone: nn.Module):
        self.backbone = backbone

    @classmethod
    @abstractmethod
    def reads(cls, backbone: nn.Module) -> bool:
        """Whether this extractor knows the backbone."""

    @abstractmethod
    @contextmanager
    def watch(self, image_size: Sequence[int]) -> Iterator[Callable]:
        """Watch one forward pass of the backbone.

        >>> with extractor.watch((224, 224)) as read_attention:
        ...     features = backbone(inputs)
        >>> attention = read_attention()  # (N, h, w), float32

        Args:
            image_size (Sequence[int]): Height and width of the inputs.
        """

    @abstractmethod
    def patch_tokens(self, features: Tuple,
                     image_size: Sequence[int]) -> Tensor:
        """Patch tokens ``(N, C, h, w)`` among the backbone's outputs.

        Args:
            features (tuple): What the backbone answered.
            image_size (Sequence[int]): Height and width of the inputs.
        """

    def check_tokens(self) -> None:
        """Raise a ValueError if the backbone's outputs hold no patch tokens.
        """

    def check_image_size(self) -> None:
        """Raise a ValueError if the backbone's declared image size does not
        divide into patches."""


def find_extractor(backbone: nn.Module) -> AttentionExtractor:
    """The extractor that knows a backbone.

    Raises:
        ValueError: If there is none; it names those that exist.
    """
    extractors = ATTENTION_EXTRACTORS.module_dict
    for extractor in extractors.values():
        if extractor.reads(backbone):
            return extractor(backbone)
    raise ValueError(
        f'No attention extractor knows the backbone {type(backbone).__name__}.'
        f' There are {", ".join(sorted(extractors))}. To add one, write a '
        'child of mmmix.models.attention.AttentionExtractor and register it '
        'in mmmix.registry.ATTENTION_EXTRACTORS.')
