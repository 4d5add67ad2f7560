from mmpretrain.models.backbones import TIMMBackbone

from mmmix.errors import MmmixError
from mmmix.registry import ATTENTION_EXTRACTORS

from .class_token import ClassTokenAttention, split_heads
from .patches import patch_grid


@ATTENTION_EXTRACTORS.register_module()
class CaiTAttention(ClassTokenAttention):
    """timm's CaiT, through ``mmmix.CaiT`` or ``TIMMBackbone``.

    Class attention is that of the last class-attention layer. The bottom-up
    map is the image attention score (SMMix, Eq. 6) of the last
    self-attention block, where there are patches alone: the class token joins
    later. That block has talking heads: the weights are taken after the first
    mixing of the heads and the softmax, where each head is a distribution
    over the places. The second mixing, behind the softmax, has weights of
    either sign.

    The class-attention layers leave the patch tokens as they are.
    """

    @classmethod
    def supports(cls, backbone):
        if not isinstance(backbone, TIMMBackbone):
            return False
        from timm.models.cait import Cait, ClassAttn, TalkingHeadAttn
        model = backbone.timm_model
        return isinstance(model, Cait) and isinstance(
            model.blocks[-1].attn, TalkingHeadAttn) and isinstance(
                model.blocks_token_only[-1].attn, ClassAttn)

    @property
    def _model(self):
        return self.backbone.timm_model

    @property
    def last_layer(self):
        return self._model.norm

    @property
    def _class_layer(self):
        return self._model.blocks_token_only[-1].attn

    @property
    def activation_layer(self):
        return self._model.blocks_token_only[-1].norm1

    @property
    def patch(self):
        return tuple(self._model.patch_embed.patch_size)

    @property
    def image_size(self):
        return tuple(self._model.patch_embed.img_size)

    def grid(self, image_size):
        if (self._model.patch_embed.strict_img_size
                and tuple(image_size) != self.image_size):
            raise MmmixError(
                f'This CaiT takes images of {self.image_size} pixels, not of '
                f'{tuple(image_size)}: set its `img_size`, or build it as '
                "dict(type='mmmix.CaiT', ...), which has the same parameters "
                'and resizes its position embeddings.')
        return patch_grid(image_size, self.patch)

    def hooked_modules(self):
        layer = self._class_layer
        return dict(
            super().hooked_modules(),
            query=layer.q,
            key=layer.k,
            logits=self._model.blocks[-1].attn.proj_l)

    def class_query_key(self, outputs):
        heads = self._class_layer.num_heads
        query = outputs['query'].unflatten(1, (heads, -1))
        return query, split_heads(outputs['key'], heads)

    def bottom_up(self, outputs, features, image_size):
        # (N, queries, keys, heads)
        score = outputs['logits'].float().softmax(2).mean((1, 3))
        return score.unflatten(1, self.grid(image_size))
