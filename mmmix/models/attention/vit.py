from contextlib import ExitStack, contextmanager
from typing import Dict, Iterator, Sequence, Tuple

from mmpretrain.models.backbones import VisionTransformer
from mmpretrain.models.utils import MultiheadAttention
from torch import Tensor, nn

from mmmix.registry import ATTENTION_EXTRACTORS
from .base import Outputs
from .class_token import ClassTokenAttention, split_heads


@ATTENTION_EXTRACTORS.register_module()
class ViTAttention(ClassTokenAttention):
    """ViT and DeiT: the last block.

    MMPretrain's attention is fused and does not return its
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

    def query_key(self, outputs: Outputs) -> Tuple[Tensor, Tensor]:
        query, key, _ = outputs['qkv'].chunk(3, -1)
        heads = self.backbone.layers[-1].attn.num_heads
        return split_heads(query, heads), split_heads(key, heads)

    def added_to_values(self, signal: Tensor):
        return added_to_values(
            [layer.attn.qkv for layer in self.backbone.layers],
            self.num_extra_tokens, signal)


@contextmanager
def added_to_values(projections: Sequence[nn.Module], extra: int,
                    signal: Tensor) -> Iterator[None]:
    """Inside the context, add a signal to the values that layers give.

    Args:
        projections (Sequence[nn.Module]): Layers whose outputs are queries,
            keys and values ``(N, extra + hw, 3C)``.
        extra (int): Number of tokens before the patches.
        signal (Tensor): ``(N, h, w)``, broadcast over the channels.
    """

    def add(module: nn.Module, args: Tuple, qkv: Tensor) -> Tensor:
        qkv = qkv.clone()
        values = qkv[:, extra:, -(qkv.size(-1) // 3):]
        values += signal.flatten(1)[..., None].to(qkv.dtype)
        return qkv

    with ExitStack() as hooks:
        for projection in projections:
            hooks.enter_context(projection.register_forward_hook(add))
        yield
