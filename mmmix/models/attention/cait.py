from typing import Any, Dict, Sequence, Tuple

from mmpretrain.models.backbones import TIMMBackbone
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.registry import ATTENTION_EXTRACTORS
from .base import Outputs
from .class_token import ClassTokenAttention, split_heads


@ATTENTION_EXTRACTORS.register_module()
class CaiTAttention(ClassTokenAttention):
    """timm's CaiT, through ``mmmix.CaiT`` or ``TIMMBackbone``.

    Class attention is that of the last class-attention layer. The bottom-up
    map is the image attention score (SMMix, Eq. 6) of the last
    self-attention block, which contains only patches: the class token joins
    later. That block has talking heads: the attention weights are taken after
    the first mixing of the heads and the softmax, where each head is a
    distribution over the patches. The second mixing, after the softmax, has
    weights of either sign.

    The class-attention layers do not change the patch tokens.
    """

    @classmethod
    def supports(cls, backbone: nn.Module) -> bool:
        if not isinstance(backbone, TIMMBackbone):
            return False
        from timm.models.cait import Cait, ClassAttn, TalkingHeadAttn
        model = backbone.timm_model
        return isinstance(model, Cait) and isinstance(
            model.blocks[-1].attn, TalkingHeadAttn) and isinstance(
                model.blocks_token_only[-1].attn, ClassAttn)

    @property
    def _model(self) -> Any:  # timm's Cait
        return self.backbone.timm_model

    @property
    def last_layer(self) -> nn.Module:
        return self._model.norm

    @property
    def _class_layer(self) -> Any:
        return self._model.blocks_token_only[-1].attn

    @property
    def activation_layer(self) -> nn.Module:
        return self._model.blocks_token_only[-1].norm1

    @property
    def patch(self):
        return tuple(self._model.patch_embed.patch_size)

    @property
    def image_size(self):
        return tuple(self._model.patch_embed.img_size)

    def grid(self, image_size: Sequence[int]) -> Tuple[int, int]:
        if (self._model.patch_embed.strict_img_size
                and tuple(image_size) != self.image_size):
            raise MmmixError(
                f'This CaiT accepts only images of {self.image_size} pixels, '
                f'not of {tuple(image_size)}: set its `img_size`, or build it '
                "as dict(type='mmmix.CaiT', ...), which has the same "
                'parameters and resizes its position embeddings.')
        return super().grid(image_size)

    def hooked_modules(self) -> Dict[str, nn.Module]:
        layer = self._class_layer
        return dict(
            super().hooked_modules(),
            query=layer.q,
            key=layer.k,
            logits=self._model.blocks[-1].attn.proj_l)

    def query_key(self, outputs: Outputs) -> Tuple[Tensor, Tensor]:
        heads = self._class_layer.num_heads
        query = outputs['query'].unflatten(1, (heads, 1, -1))
        return query, split_heads(outputs['key'], heads)

    def bottom_up(self, outputs: Outputs, features: Tuple,
                  image_size: Sequence[int]) -> Tensor:
        # (N, queries, keys, heads)
        score = outputs['logits'].float().softmax(2).mean((1, 3))
        return score.unflatten(1, self.grid(image_size))
