from math import prod
from typing import Any, Dict, Sequence, Tuple

from torch import Tensor, nn

from mmmix.registry import ATTENTION_EXTRACTORS
from ..backbones.pvt import STRIDES, PyramidVisionTransformer
from .base import Outputs, patch_grid
from .class_token import ClassTokenAttention, split_heads


@ATTENTION_EXTRACTORS.register_module()
class PVTAttention(ClassTokenAttention):
    """PVT: the last block, whose tokens include a class token.

    The last stage attends to every location, without spatial reduction.
    """

    patch = (STRIDES[0], STRIDES[0])

    @classmethod
    def supports(cls, backbone: nn.Module) -> bool:
        return (isinstance(backbone, PyramidVisionTransformer)
                and backbone.with_cls_token)

    @property
    def _last_block(self) -> Any:
        return self.backbone.layers[-1][1][-1]

    @property
    def last_layer(self) -> nn.Module:
        return self.backbone.norm

    @property
    def activation_layer(self) -> nn.Module:
        return self._last_block.norm1

    @property
    def image_size(self):
        return tuple(self.backbone.img_size)

    def grid(self, image_size: Sequence[int]) -> Tuple[int, int]:
        return patch_grid(image_size, (prod(STRIDES), ) * 2)

    def hooked_modules(self) -> Dict[str, nn.Module]:
        attention = self._last_block.attn
        return dict(
            super().hooked_modules(),
            query=attention.q,
            key_value=attention.kv)

    def query_key(self, outputs: Outputs) -> Tuple[Tensor, Tensor]:
        heads = self._last_block.attn.num_heads
        key, _ = outputs['key_value'].chunk(2, -1)
        return split_heads(outputs['query'], heads), split_heads(key, heads)
