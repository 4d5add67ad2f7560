from abc import ABCMeta, abstractmethod
from contextlib import contextmanager
from functools import partial
from typing import Any, Dict, Iterator, Optional, Sequence, Tuple

from torch import Tensor, nn

from mmmix.errors import MissingIngredient, MmmixError
from mmmix.private import notice_hooks_when_compiling
from mmmix.registry import ATTENTION_EXTRACTORS

Outputs = Dict[str, Tensor]


class AttentionExtractor(metaclass=ABCMeta):
    """Computes the attention maps and patch tokens of one backbone family.

    To add a family, write one subclass and register it in
    ``mmmix.registry.ATTENTION_EXTRACTORS``. It defines :meth:`supports`,
    :attr:`patch` or :meth:`grid`, :meth:`bottom_up`, :meth:`patch_tokens` and
    anything else the family provides.

    Every map is ``(N, h, w)``, float32 and non-negative, on the grid given by
    :meth:`grid`.

    Args:
        backbone (nn.Module): A backbone of this family.

    Attributes:
        has_class_attention (bool): Whether a class token attends to the
            patches in the family's last block.
        top_down_forms (tuple[str]): The forms of
            :class:`~mmmix.models.attention.TopDown` that the family supports,
            the default first.

    >>> import torch
    >>> from mmpretrain.models import ResNet
    >>> backbone, inputs = ResNet(18), torch.rand(2, 3, 64, 96)
    >>> extractor = find_extractor(backbone)
    >>> with extractor.recording() as outputs:
    ...     features = backbone(inputs)
    >>> extractor.bottom_up(outputs, features, inputs.shape[-2:]).shape
    torch.Size([2, 2, 3])
    """

    has_class_attention: bool = False
    top_down_forms: Tuple[str, ...] = ('one_pass', )

    def __init__(self, backbone: nn.Module):
        self.backbone: Any = backbone  # its attributes depend on the family

    @classmethod
    @abstractmethod
    def supports(cls, backbone: nn.Module) -> bool:
        """Whether this extractor supports the backbone."""

    def grid(self, image_size: Sequence[int]) -> Tuple[int, int]:
        """Height and width of the maps for images of this size in pixels; by
        default a location for each :attr:`patch`.

        Raises:
            MmmixError: If the image does not divide into the grid's cells.
        """
        return patch_grid(image_size, self.patch)

    def hooked_modules(self) -> Dict[str, nn.Module]:
        """Modules of the backbone whose outputs are recorded to compute the
        maps, by the names of their entries in ``outputs``. Empty, the
        default, if the backbone's own output is enough."""
        return {}

    @property
    def activation_layer(self) -> Optional[nn.Module]:
        """The module whose output tokens ``(N, extra + hw, C)`` class
        activation maps are computed from: the norm before the last block that
        mixes locations. None, the default, stands for the backbone's own last
        feature map, which the classifier averages."""
        return None

    @abstractmethod
    def bottom_up(self, outputs: Outputs, features: Tuple,
                  image_size: Sequence[int]) -> Tensor:
        """How much each location is attended to, independent of the label:
        SMMix, Eq. 6, or the closest equivalent in this family.

        Args:
            outputs (dict[str, Tensor]): Outputs of :meth:`hooked_modules`.
            features (tuple): Outputs of the backbone.
            image_size (Sequence[int]): Height and width of the inputs.

        Returns:
            Tensor: ``(N, h, w)``.
        """

    def class_attention(self, outputs: Outputs, features: Tuple,
                        image_size: Sequence[int]) -> Tensor:
        """Attention of the class token to the patches in the last block,
        averaged over the heads (MixPro, Eq. 1-4); arguments and shape as in
        :meth:`bottom_up`."""
        self.check_class_attention()
        raise NotImplementedError(
            f'{type(self).__name__} has class attention but does not define '
            '`class_attention`.')

    def check_class_attention(self) -> None:
        """Raise MissingIngredient if there is no class attention."""
        if not self.has_class_attention:
            raise MissingIngredient(
                'class_attention',
                f'The backbone {backbone_name(self.backbone)} has no class '
                'token whose attention could be used: choose a label rule '
                "based on the guide's maps (mmmix.AreaAttentionLabel) or no "
                'label rule, or a backbone with class attention (ViT and DeiT '
                'with a class token, PVT, CaiT, XCiT, CASwin).')

    def tokens(self, outputs: Outputs, features: Tuple,
               image_size: Sequence[int]) -> Tensor:
        """Final features at each location ``(N, C, h, w)``, in the space of
        the classifier's weights; arguments as in :meth:`bottom_up`. By
        default the last feature map among the backbone's outputs."""
        return self.feature_map(features, image_size)

    @abstractmethod
    def patch_tokens(self, features: Tuple,
                     image_size: Sequence[int]) -> Tensor:
        """Patch tokens ``(N, C, h, w)`` among the backbone's outputs;
        arguments as in :meth:`bottom_up`."""

    def check_tokens(self) -> None:
        """Raise an MmmixError unless the backbone outputs patch tokens."""

    def feature_map(self, features: Tuple,
                    image_size: Sequence[int]) -> Tensor:
        """The last feature map ``(N, C, h, w)`` among the backbone's outputs,
        by default its patch tokens; a CNN has one, too. Arguments as in
        :meth:`bottom_up`."""
        return self.patch_tokens(features, image_size)

    def check_feature_map(self) -> None:
        """Raise an MmmixError unless the backbone outputs a feature map."""
        self.check_tokens()

    @property
    def image_size(self) -> Optional[Tuple[int, int]]:
        """The image size that the backbone declares; None if any is accepted.
        """
        return None

    @property
    def patch(self) -> Optional[Tuple[int, int]]:
        """Height and width in pixels of the patches that the backbone divides
        an image into; None for a CNN."""
        return None

    @contextmanager
    def added_to_values(self, signal: Tensor) -> Iterator[None]:
        """Inside the context, add a signal to V of every patch token in every
        block (TdAttenMix, Eq. 3-4), for the form 'two_pass' of ``TopDown``.

        Args:
            signal (Tensor): ``(N, h, w)``, broadcast over the channels.
        """
        raise NotImplementedError(
            f"{type(self).__name__} lists 'two_pass' among its "
            '`top_down_forms` but does not define `added_to_values`.')
        yield

    @contextmanager
    def recording(self) -> Iterator[Outputs]:
        """Record the outputs of :meth:`hooked_modules` during one eager
        forward pass of the backbone."""
        recorder = OutputRecorder(self.hooked_modules())
        try:
            with recorder as outputs:
                yield outputs
        finally:
            recorder.remove()


class OutputRecorder:
    """Context manager that records the outputs of modules.

    A recorder created before ``torch.compile`` is traced along with the
    modules; hooks that are registered inside a compiled function would
    silently not fire.

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

    def _record(self, name: str, module: nn.Module, args: Tuple,
                output: Tensor) -> None:
        if self._outputs is not None:
            self._outputs[name] = output

    def __enter__(self) -> Outputs:
        outputs: Outputs = {}
        self._outputs = outputs
        return outputs

    def __exit__(self, *exception) -> None:
        self._outputs = None

    def remove(self) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()


def find_extractor(backbone: nn.Module) -> AttentionExtractor:
    """The first registered extractor that supports a backbone.

    Raises:
        MmmixError: If no extractor supports it; the message lists those that
            exist.

    >>> from mmpretrain.models import VisionTransformer
    >>> find_extractor(VisionTransformer('deit-tiny')).grid((224, 192))
    (14, 12)
    """
    extractors = ATTENTION_EXTRACTORS.module_dict
    for extractor in extractors.values():
        if extractor.supports(backbone):
            return extractor(backbone)
    raise MmmixError(
        'No attention extractor supports the backbone '
        f'{backbone_name(backbone)}. There are '
        f'{", ".join(sorted(extractors))}. To add one, write a subclass of '
        'mmmix.models.attention.AttentionExtractor and register it in '
        'mmmix.registry.ATTENTION_EXTRACTORS (docs/attention.md shows how).')


def backbone_name(backbone: nn.Module) -> str:
    """The class of a backbone, of one of timm that of timm's model.

    >>> backbone_name(nn.Identity())
    'Identity'
    """
    return type(getattr(backbone, 'timm_model', backbone)).__name__


def patch_of(backbone: nn.Module) -> Optional[Tuple[int, int]]:
    """Height and width of a backbone's patches in pixels, None if it has
    none or is of no known family.

    >>> from mmpretrain.models import VisionTransformer
    >>> patch_of(VisionTransformer('deit-tiny'))
    (16, 16)
    """
    try:
        return find_extractor(backbone).patch
    except MmmixError:
        return None


def declared_size(backbone: nn.Module) -> Optional[Tuple[int, int]]:
    """Height and width of the images that a backbone declares, None if it
    takes any or is of no known family.

    >>> from mmpretrain.models import VisionTransformer
    >>> declared_size(VisionTransformer('deit-tiny'))
    (224, 224)
    """
    try:
        return find_extractor(backbone).image_size
    except MmmixError:
        return None


def patch_grid(image_size: Sequence[int],
               patch: Sequence[int]) -> Tuple[int, int]:
    """Number of patches, down and across, that an image divides into.

    Args:
        image_size (Sequence[int]): Height and width in pixels.
        patch (Sequence[int]): Height and width in pixels of a patch, or of
            the area that one cell of the map represents.

    Raises:
        MmmixError: If the image is not a multiple of the patch.

    >>> patch_grid((224, 192), (16, 16))
    (14, 12)
    """
    if any(side % p for side, p in zip(image_size, patch)):
        raise MmmixError(
            f'Images of {image_size[0]} x {image_size[1]} pixels do not '
            f'divide into cells of {patch[0]} x {patch[1]}, one for each '
            'element of the attention map: resize or crop them to a multiple '
            'of that.')
    rows, columns = (side // p for side, p in zip(image_size, patch))
    return rows, columns
