from typing import NoReturn, Sequence, Tuple

from mmpretrain.models import backbones
from mmpretrain.models.backbones import TIMMBackbone
from torch import Tensor, nn

from mmmix.errors import MissingIngredient, MmmixError
from mmmix.registry import ATTENTION_EXTRACTORS
from .base import AttentionExtractor, Outputs

CNNS = (backbones.ResNet, backbones.DenseNet, backbones.EfficientNet,
        backbones.EfficientNetV2, backbones.MobileNetV2, backbones.MobileNetV3,
        backbones.MobileOne, backbones.ShuffleNetV1, backbones.ShuffleNetV2,
        backbones.AlexNet, backbones.VGG, backbones.RepVGG, backbones.CSPNet,
        backbones.ConvNeXt, backbones.ConvMixer, backbones.HorNet,
        backbones.HRNet, backbones.VAN)


@ATTENTION_EXTRACTORS.register_module()
class CNNActivation(AttentionExtractor):
    """CNNs: the activation energy of the last feature map.

    This is the mean over the channels of the absolute activation, which
    equals the plain mean after a ReLU. A CNN has neither class attention nor
    patch tokens: the receptive fields of its locations overlap. They do make
    a feature map.

    It supports MMPretrain's ResNet and its subclasses, the other CNNs listed
    in this file, and, through ``TIMMBackbone``, timm's models without
    attention over tokens.
    """

    top_down_forms = ('cam', 'one_pass')

    @classmethod
    def supports(cls, backbone: nn.Module) -> bool:
        if isinstance(backbone, TIMMBackbone):
            # timm also names squeeze-and-excitation `attn`, but builds it
            # from convolutions
            return not any('attn' in name and isinstance(module, nn.Linear)
                           for name, module in backbone.named_modules())
        return isinstance(backbone, CNNS)

    def grid(self, image_size: Sequence[int]) -> NoReturn:
        raise MmmixError("The size of a CNN's map depends on its layers: take "
                         'it from the shape of the map.')

    def bottom_up(self, outputs: Outputs, features: Tuple,
                  image_size: Sequence[int]) -> Tensor:
        energy = self.feature_map(features, image_size).float().abs()
        return energy.mean(1)

    def feature_map(self, features: Tuple,
                    image_size: Sequence[int]) -> Tensor:
        last = features[-1]
        if last.ndim != 4:
            raise MmmixError(
                f'The CNN {type(self.backbone).__name__} outputs '
                f'{tuple(last.shape)}, not a feature map (N, C, h, w): leave '
                'pooling and classification to neck and head (VGG: '
                'num_classes=-1, ConvNeXt: gap_before_final_norm=False).')
        return last

    def check_tokens(self) -> NoReturn:
        raise MissingIngredient(
            'tokens', 'A loss of the head requires patch tokens, but the CNN '
            f'{type(self.backbone).__name__} has none: remove the loss '
            '(mix_losses=dict(fine=None)) or use a transformer.')

    def check_feature_map(self) -> None:
        pass  # known from its output alone

    def patch_tokens(self, features: Tuple,
                     image_size: Sequence[int]) -> NoReturn:
        self.check_tokens()
