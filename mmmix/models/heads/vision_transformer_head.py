from mmpretrain.models.heads import VisionTransformerClsHead
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.registry import MODELS
from .mix_head import MixHead


@MODELS.register_module()
class MixVisionTransformerClsHead(MixHead, VisionTransformerClsHead):
    """``mmpretrain.VisionTransformerClsHead`` with a label rule and mix
    losses; same parameters.

    It also accepts a backbone with ``out_type='raw'``, whose first token is
    the class token.

    Args:
        num_classes (int): Number of classes.
        in_channels (int): Channels of the features.
        label_rule (dict, optional): See :class:`MixHead`.
        mix_losses (dict, optional): See :class:`MixHead`.
        **kwargs: Of ``VisionTransformerClsHead``.
    """

    def check_backbone(self, backbone: nn.Module) -> None:
        out_type = getattr(backbone, 'out_type', None)
        has_token = getattr(backbone, 'with_cls_token', True)
        if out_type == 'featmap' or out_type == 'raw' and not has_token:
            raise MmmixError(
                'MixVisionTransformerClsHead reads the class token, which the '
                f"backbone with out_type='{out_type}' and with_cls_token="
                f'{has_token} does not provide. To average the '
                "patch tokens instead, set out_type='featmap', "
                "neck=dict(type='GlobalAveragePooling') and a "
                'MixLinearClsHead.')

    def pre_logits(self, feats: tuple) -> Tensor:
        last = feats[-1]
        if getattr(last, 'ndim', None) == 3:
            feats = (last[:, 0], )
        return super().pre_logits(feats)

    def classify(self, features: Tensor) -> Tensor:
        return super().forward((features, ))
