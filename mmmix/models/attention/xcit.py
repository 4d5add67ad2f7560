from typing import Any, Dict, Tuple

from mmpretrain.models.backbones import XCiT
from torch import Tensor, nn

from mmmix.registry import ATTENTION_EXTRACTORS
from .base import Outputs
from .class_token import ClassTokenAttention, split_heads


@ATTENTION_EXTRACTORS.register_module()
class XCiTAttention(ClassTokenAttention):
    """XCiT: the class attention of the last class-attention layer.

    The other layers attend over channels (cross-covariance attention), so
    this is the only attention over locations, and it also serves as the
    bottom-up map.

    The class-attention layers only scale and normalise the patch tokens,
    each token by itself.
    """

    @classmethod
    def supports(cls, backbone: nn.Module) -> bool:
        return isinstance(backbone, XCiT) and len(backbone.ca_layers) > 0

    @property
    def last_layer(self) -> nn.Module:
        return self.backbone.norm

    @property
    def _class_layer(self) -> Any:
        return self.backbone.ca_layers[-1].attn

    @property
    def activation_layer(self) -> nn.Module:
        return self.backbone.ca_layers[-1].norm1

    @property
    def patch(self):
        return (self.backbone.patch_embed.patch_size, ) * 2

    @property
    def image_size(self):
        return tuple(self.backbone.patch_embed.img_size)

    def hooked_modules(self) -> Dict[str, nn.Module]:
        layer = self._class_layer
        return dict(super().hooked_modules(), query=layer.q, key=layer.k)

    def query_key(self, outputs: Outputs) -> Tuple[Tensor, Tensor]:
        heads = self._class_layer.num_heads
        query = outputs['query'].unflatten(1, (heads, 1, -1))
        return query, split_heads(outputs['key'], heads)

    bottom_up = ClassTokenAttention.class_attention
