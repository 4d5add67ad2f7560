from mmpretrain.models import backbones
from mmpretrain.models.backbones import TIMMBackbone
from torch import nn

from mmmix.errors import MissingIngredient, MmmixError
from mmmix.registry import ATTENTION_EXTRACTORS

from .base import AttentionExtractor

CNNS = (backbones.ResNet, backbones.DenseNet, backbones.EfficientNet,
        backbones.EfficientNetV2, backbones.MobileNetV2, backbones.MobileNetV3,
        backbones.MobileOne, backbones.ShuffleNetV1, backbones.ShuffleNetV2,
        backbones.AlexNet, backbones.VGG, backbones.RepVGG, backbones.CSPNet,
        backbones.ConvNeXt, backbones.ConvMixer, backbones.HorNet,
        backbones.HRNet, backbones.VAN)


@ATTENTION_EXTRACTORS.register_module()
class CNNActivation(AttentionExtractor):
    """CNNs: the activation energy of the last feature map.

    The mean over the channels of the absolute activation, which is the plain
    mean after a ReLU. A CNN has neither class attention nor patch tokens: its
    places overlap in what they see.

    It reads MMPretrain's ResNet and its kin and the other CNNs listed in this
    file, and timm's models without attention over tokens through
    ``TIMMBackbone``.
    """

    top_down_forms = ('cam', 'one_pass')

    @classmethod
    def supports(cls, backbone):
        if isinstance(backbone, TIMMBackbone):
            # timm calls squeeze-and-excitation attn too, but makes it of
            # convolutions
            return not any('attn' in name and isinstance(module, nn.Linear)
                           for name, module in backbone.named_modules())
        return isinstance(backbone, CNNS)

    def grid(self, image_size):
        raise MmmixError("A CNN's map has the size that its layers give it: "
                         'look at the map.')

    def bottom_up(self, outputs, features, image_size):
        energy = self.tokens(outputs, features, image_size).float().abs()
        return energy.mean(1)

    def tokens(self, outputs, features, image_size):
        last = features[-1]
        if last.ndim != 4:
            raise MmmixError(
                f'The CNN {type(self.backbone).__name__} answers '
                f'{tuple(last.shape)}, not a feature map (N, C, h, w): let '
                'neck and head pool and classify (VGG: num_classes=-1, '
                'ConvNeXt: gap_before_final_norm=False).')
        return last

    def check_tokens(self):
        raise MissingIngredient(
            'tokens', 'A loss of the head wants patch tokens, but the CNN '
            f'{type(self.backbone).__name__} has none: remove the loss '
            '(mix_losses=dict(fine=None)) or take a transformer.')

    def patch_tokens(self, features, image_size):
        self.check_tokens()
