from contextlib import contextmanager
from typing import Dict, Iterator, Sequence, Tuple

from mmpretrain.models.backbones import VisionTransformer
from mmpretrain.models.utils import MultiheadAttention
from torch import Tensor, nn

from mmmix.functional import image_attention_score
from mmmix.registry import ATTENTION_EXTRACTORS
from .base import Outputs
from .class_token import ClassTokenAttention
from .patches import patch_grid


@ATTENTION_EXTRACTORS.register_module()
class ViTAttention(ClassTokenAttention):
    """ViT and DeiT: the image attention score of the last block.

    SMMix, Eq. 5-6. MMPretrain's attention is fused and does not return its
    weights, so they are computed from the output of the block's own ``qkv``
    layer; no projection is computed twice.
    """

    top_down_forms = ('two_pass', 'one_pass')

    @classmethod
    def supports(cls, backbone: nn.Module) -> bool:
        # subclasses such as BEiT use a different attention
        return isinstance(backbone, VisionTransformer) and isinstance(
            backbone.layers[-1].attn, MultiheadAttention)

    @property
    def has_class_attention(self):
        return self.backbone.with_cls_token

    @property
    def patch(self):
        return tuple(self.backbone.patch_embed.projection.stride)

    @property
    def image_size(self):
        return tuple(self.backbone.img_size)

    def grid(self, image_size: Sequence[int]) -> Tuple[int, int]:
        return patch_grid(image_size, self.patch)

    @property
    def num_extra_tokens(self):
        return self.backbone.num_extra_tokens

    @property
    def last_layer(self) -> nn.Module:
        return (self.backbone.ln1
                if self.backbone.final_norm else self.backbone.layers[-1])

    @property
    def activation_layer(self) -> nn.Module:
        return self.backbone.layers[-1].ln1

    def hooked_modules(self) -> Dict[str, nn.Module]:
        return dict(
            super().hooked_modules(), qkv=self.backbone.layers[-1].attn.qkv)

    def _query_key(self, outputs: Outputs) -> Tuple[Tensor, Tensor]:
        qkv = outputs['qkv']
        heads = self.backbone.layers[-1].attn.num_heads
        query, key, _ = qkv.unflatten(2, (3, heads, -1)).permute(2, 0, 3, 1, 4)
        return query, key

    def class_query_key(self, outputs: Outputs) -> Tuple[Tensor, Tensor]:
        query, key = self._query_key(outputs)
        return query[:, :, 0], key

    def bottom_up(self, outputs: Outputs, features: Tuple,
                  image_size: Sequence[int]) -> Tensor:
        score = image_attention_score(*self._query_key(outputs),
                                      self.num_extra_tokens)
        return score.unflatten(1, self.grid(image_size))

    @contextmanager
    def added_to_values(self, signal: Tensor) -> Iterator[None]:
        extra = self.num_extra_tokens

        def add(module: nn.Module, args: Tuple, qkv: Tensor) -> Tensor:
            qkv = qkv.clone()
            values = qkv[:, extra:, -self.backbone.embed_dims:]
            values += signal.flatten(1)[..., None].to(qkv.dtype)
            return qkv

        handles = [
            layer.attn.qkv.register_forward_hook(add)
            for layer in self.backbone.layers
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
