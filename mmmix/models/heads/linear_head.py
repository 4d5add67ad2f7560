from mmpretrain.models.heads import LinearClsHead
from torch import Tensor

from mmmix.errors import MmmixError
from mmmix.registry import MODELS
from .mix_head import MixHead


@MODELS.register_module()
class MixLinearClsHead(MixHead, LinearClsHead):
    """``mmpretrain.LinearClsHead`` with a label rule and mix losses; same
    parameters.

    Args:
        num_classes (int): Number of classes.
        in_channels (int): Channels of the features.
        label_rule (dict, optional): See :class:`MixHead`.
        mix_losses (dict, optional): See :class:`MixHead`.
        **kwargs: Of ``LinearClsHead``.
    """

    def pre_logits(self, feats: tuple) -> Tensor:
        last = super().pre_logits(feats)
        if last.ndim != 2:
            raise MmmixError(
                'MixLinearClsHead requires one vector per image (N, C), not '
                f'features of shape {tuple(last.shape)}: put '
                "neck=dict(type='mmmix.ClassTokenNeck') before it where the "
                'first token is the class token, or '
                "neck=dict(type='GlobalAveragePooling') where there is a "
                'feature map.')
        return last

    def classify(self, features: Tensor) -> Tensor:
        return self.fc(features)
