from math import prod
from typing import Any, Dict, Sequence, Tuple

from torch import Tensor, nn

from mmmix.functional import image_attention_score
from mmmix.registry import ATTENTION_EXTRACTORS
from ..backbones.pvt import STRIDES, PyramidVisionTransformer
from .base import Outputs
from .class_token import ClassTokenAttention, split_heads
from .patches import patch_grid


@ATTENTION_EXTRACTORS.register_module()
class PVTAttention(ClassTokenAttention):
    """PVT: the last block, whose tokens include a class token.

    As in a ViT, the bottom-up map is the image attention score (SMMix,
    Eq. 5-6), with a softmax over all tokens and without the class token's row
    and column, and class attention is the class token's row. The last stage
    attends to every location, without spatial reduction.
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

    def _query_key(self, outputs: Outputs) -> Tuple[Tensor, Tensor]:
        heads = self._last_block.attn.num_heads
        key, _ = outputs['key_value'].chunk(2, -1)
        return split_heads(outputs['query'], heads), split_heads(key, heads)

    def class_query_key(self, outputs: Outputs) -> Tuple[Tensor, Tensor]:
        query, key = self._query_key(outputs)
        return query[:, :, 0], key

    def bottom_up(self, outputs: Outputs, features: Tuple,
                  image_size: Sequence[int]) -> Tensor:
        score = image_attention_score(
            *self._query_key(outputs), num_extra_tokens=1)
        return score.unflatten(1, self.grid(image_size))
