from mmpretrain.models.heads import LinearClsHead

from mmmix.registry import MODELS
from .mix_head import MixHead


@MODELS.register_module()
class MixLinearClsHead(MixHead, LinearClsHead):
    """``mmpretrain.LinearClsHead`` with mix losses; same parameters.

    Args:
        num_classes (int): Number of classes.
        in_channels (int): Channels of the features.
        mix_losses (dict, optional): See :class:`MixHead`.
        **kwargs: Of ``LinearClsHead``.
    """

    def classify(self, features):
        return self.fc(features)
