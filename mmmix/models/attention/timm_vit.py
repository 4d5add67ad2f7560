from typing import Any, Sequence, Tuple

from mmpretrain.models.backbones import TIMMBackbone
from torch import Tensor, nn

from mmmix.registry import ATTENTION_EXTRACTORS
from .base import Outputs
from .class_token import ClassTokenAttention, split_heads
from .vit import added_to_values


@ATTENTION_EXTRACTORS.register_module()
class TIMMViTAttention(ClassTokenAttention):
    """timm's ViT and DeiT, through ``TIMMBackbone`` or
    :func:`mmmix.models.timm_guide`: the last block, as of MMPretrain's ViT.
    """

    top_down_forms = ('two_pass', 'one_pass')

    @classmethod
    def supports(cls, backbone: nn.Module) -> bool:
        if not isinstance(backbone, TIMMBackbone):
            return False
        from timm.models.vision_transformer import Attention, VisionTransformer
        model = backbone.timm_model
        return isinstance(model, VisionTransformer) and all(
            isinstance(getattr(block, 'attn', None), Attention)
            for block in model.blocks)

    @property
    def _model(self) -> Any:  # timm's VisionTransformer
        return self.backbone.timm_model

    @property
    def has_class_attention(self):
        return self._model.has_class_token

    @property
    def patch(self):
        return tuple(self._model.patch_embed.patch_size)

    @property
    def image_size(self):
        embed = self._model.patch_embed
        return tuple(embed.img_size) if embed.strict_img_size else None

    @property
    def num_extra_tokens(self):
        return self._model.num_prefix_tokens

    @property
    def last_layer(self) -> nn.Module:
        return self._model.norm

    @property
    def activation_layer(self) -> nn.Module:
        return self._model.blocks[-1].norm1

    def hooked_modules(self):
        return dict(
            super().hooked_modules(), qkv=self._model.blocks[-1].attn.qkv)

    def query_key(self, outputs: Outputs) -> Tuple[Tensor, Tensor]:
        attention = self._model.blocks[-1].attn
        query, key, _ = outputs['qkv'].chunk(3, -1)
        heads = attention.num_heads
        return (attention.q_norm(split_heads(query, heads)),
                attention.k_norm(split_heads(key, heads)))

    def tokens(self, outputs: Outputs, features: Tuple,
               image_size: Sequence[int]) -> Tensor:
        # what pools the patches is normalised after that
        return self._patches(
            self._model.fc_norm(outputs['tokens']), image_size)

    def added_to_values(self, signal: Tensor):
        return added_to_values(
            [block.attn.qkv for block in self._model.blocks],
            self.num_extra_tokens, signal)
