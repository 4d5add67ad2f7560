from abc import ABCMeta, abstractmethod
from contextlib import contextmanager
from functools import partial
from typing import Dict, Iterator, Optional, Sequence, Tuple

from torch import Tensor, nn

from mmmix.errors import MissingIngredient, MmmixError
from mmmix.private import notice_hooks_when_compiling
from mmmix.registry import ATTENTION_EXTRACTORS

Outputs = Dict[str, Tensor]


class AttentionExtractor(metaclass=ABCMeta):
    """How one backbone family yields its attention maps and patch tokens.

    A new family is one child, registered in
    ``mmmix.registry.ATTENTION_EXTRACTORS``: it defines :meth:`supports`,
    :meth:`grid`, :meth:`bottom_up`, and what else the family has to give.

    >>> extractor = find_extractor(backbone)
    >>> with extractor.recording() as outputs:
    ...     features = backbone(inputs)
    >>> attention = extractor.bottom_up(outputs, features, inputs.shape[-2:])

    Every map is ``(N, h, w)``, float32 and not negative, on the grid that
    :meth:`grid` tells.

    Args:
        backbone (nn.Module): A backbone of this family.

    Attributes:
        has_class_attention (bool): Whether a class token attends to the
            patches in the family's last block.
        top_down_forms (tuple[str]): The forms of
            :class:`~mmmix.models.attention.TopDown` that the family can take,
            its default first.
    """

    has_class_attention: bool = False
    top_down_forms: Tuple[str, ...] = ('one_pass', )

    def __init__(self, backbone: nn.Module):
        self.backbone = backbone

    @classmethod
    @abstractmethod
    def supports(cls, backbone: nn.Module) -> bool:
        """Whether this extractor knows the backbone."""

    @abstractmethod
    def grid(self, image_size: Sequence[int]) -> Tuple[int, int]:
        """Height and width of the maps for images of this size.

        Raises:
            ValueError: If the image does not divide into the grid's cells.
        """

    def hooked_modules(self) -> Dict[str, nn.Module]:
        """Modules of the backbone whose outputs the maps are made of, by the
        names under which ``outputs`` holds them; they may be empty where the
        backbone's own output is enough."""
        return {}

    @property
    def activation_layer(self) -> Optional[nn.Module]:
        """What gives the tokens ``(N, extra + hw, C)`` of which class
        activation maps are made: the norm before the last block that mixes
        places. None, the default, for the backbone's own last map, which the
        classifier averages."""
        return None

    @abstractmethod
    def bottom_up(self, outputs: Outputs, features: Tuple,
                  image_size: Sequence[int]) -> Tensor:
        """How much each place is attended to, whatever the label: SMMix,
        Eq. 6, or what comes nearest to it in this family.

        Args:
            outputs (dict[str, Tensor]): Outputs of :meth:`hooked_modules`.
            features (tuple): What the backbone answered.
            image_size (Sequence[int]): Height and width of the inputs.
        """

    def class_attention(self, outputs: Outputs, features: Tuple,
                        image_size: Sequence[int]) -> Tensor:
        """Attention of the class token to the patches in the last block,
        averaged over the heads (MixPro, Eq. 1-4); arguments as in
        :meth:`bottom_up`."""
        self.check_class_attention()

    def check_class_attention(self) -> None:
        """Raise a ValueError if there is no class attention to read."""
        if not self.has_class_attention:
            raise MissingIngredient(
                'class attention',
                f'The backbone {type(self.backbone).__name__} has no class '
                'token whose attention could be read: choose a label rule '
                "that reads the guide's maps (mmmix.AreaAttentionLabel) or "
                'none, or a backbone with class attention (ViT and DeiT with '
                'a class token, PVT, CaiT, XCiT, CASwin).')

    def tokens(self, outputs: Outputs, features: Tuple,
               image_size: Sequence[int]) -> Tensor:
        """Final features at each place ``(N, C, h, w)``, in the space of the
        classifier's weights; arguments as in :meth:`bottom_up`. By default
        the patch tokens among the backbone's outputs."""
        return self.patch_tokens(features, image_size)

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

    @property
    def image_size(self) -> Optional[Tuple[int, int]]:
        """The image size the backbone declares, None if it takes any."""
        return None

    @property
    def patch(self) -> Optional[Tuple[int, int]]:
        """Height and width in pixels of the patches that the backbone cuts
        an image into; None for a CNN."""
        return None

    @contextmanager
    def added_to_values(self, signal: Tensor) -> Iterator[None]:
        """While open, add a signal to V of every patch token in the blocks
        (TdAttenMix, Eq. 3-4), for the form 'two_pass' of ``TopDown``.

        Args:
            signal (Tensor): ``(N, h, w)``, broadcast over the channels.
        """
        raise NotImplementedError(
            f"{type(self).__name__} lists 'two_pass' among its "
            '`top_down_forms` but does not define `added_to_values`.')
        yield

    @contextmanager
    def recording(self) -> Iterator[Outputs]:
        """OutputRecorder one eager forward pass of the backbone."""
        watch = OutputRecorder(self.hooked_modules())
        try:
            with watch as outputs:
                yield outputs
        finally:
            watch.remove()


class OutputRecorder:
    """Keeps the outputs of some modules while it is open.

    One made before ``torch.compile`` is traced with the modules; hooks that
    are added inside a compiled function would silently not fire.

    Args:
        modules (dict[str, nn.Module]): Modules by name.
    """

    def __init__(self, modules: Dict[str, nn.Module]):
        if modules:
            notice_hooks_when_compiling()
        self._outputs: Optional[Outputs] = None
        self._handles = [
            module.register_forward_hook(partial(self._record, name))
            for name, module in modules.items()
        ]

    def _record(self, name, module, args, output):
        if self._outputs is not None:
            self._outputs[name] = output

    def __enter__(self) -> Outputs:
        self._outputs = outputs = {}
        return outputs

    def __exit__(self, *exception) -> None:
        self._outputs = None

    def remove(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()


def find_extractor(backbone: nn.Module) -> AttentionExtractor:
    """The extractor that knows a backbone.

    Raises:
        ValueError: If there is none; it names those that exist.
    """
    extractors = ATTENTION_EXTRACTORS.module_dict
    for extractor in extractors.values():
        if extractor.supports(backbone):
            return extractor(backbone)
    raise MmmixError(
        f'No attention extractor knows the backbone {type(backbone).__name__}.'
        f' There are {", ".join(sorted(extractors))}. To add one, write a '
        'child of mmmix.models.attention.AttentionExtractor and register it '
        'in mmmix.registry.ATTENTION_EXTRACTORS (docs/attention.md shows '
        'how).')
