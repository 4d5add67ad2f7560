from torch import nn

from mmmix.registry import TASK_UTILS
from .network import NetworkGuide


@TASK_UTILS.register_module()
class SelfGuide(NetworkGuide):
    """The model under training guides itself (SMMix, section 4): the default.

    Args:
        **kwargs: Of :class:`NetworkGuide`.

    >>> guide = SelfGuide(attention_map=dict(type='mmmix.TopDown'), scale=0.5)
    >>> guide.size_for((224, 192))
    (112, 96)
    """

    def network(self, model: nn.Module) -> nn.Module:
        return model
