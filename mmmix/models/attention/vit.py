from contextlib import contextmanager

from mmpretrain.models.backbones import VisionTransformer
from mmpretrain.models.utils import MultiheadAttention

from mmmix.functional import class_attention, image_attention_score
from mmmix.registry import ATTENTION_EXTRACTORS
from .base import AttentionExtractor
from .patches import patch_grid


@ATTENTION_EXTRACTORS.register_module()
class ViTAttention(AttentionExtractor):
    """ViT and DeiT: the image attention score of the last block.

    SMMix, Eq. 5-6. MMPretrain's attention is fused and keeps no weights, so
    they are computed from the output of the block's own ``qkv`` layer: no
    projection is done twice.
    """

    top_down_forms = ('two_pass', 'one_pass')

    @classmethod
    def reads(cls, backbone):
        # relatives such as BEiT inherit from it with another attention
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

    def grid(self, image_size):
        return patch_grid(image_size, self.patch)

    def taps(self):
        last = self.backbone.layers[-1]
        normed = self.backbone.ln1 if self.backbone.final_norm else last
        return dict(qkv=last.attn.qkv, normed=normed)

    def _query_key(self, seen):
        qkv = seen['qkv']
        heads = self.backbone.layers[-1].attn.num_heads
        return qkv.unflatten(2, (3, heads, -1)).permute(2, 0, 3, 1, 4)[:2]

    def bottom_up(self, seen, features, image_size):
        score = image_attention_score(*self._query_key(seen),
                                      self.backbone.num_extra_tokens)
        return score.unflatten(1, self.grid(image_size))

    def class_attention(self, seen, features, image_size):
        query, key = self._query_key(seen)
        attention = class_attention(query[:, :, 0], key,
                                    self.backbone.num_extra_tokens)
        return attention.unflatten(1, self.grid(image_size))

    def tokens(self, seen, features, image_size):
        # a frozen guide may answer its class token alone
        return self._patches(seen['normed'], image_size)

    def check_tokens(self):
        if self.backbone.out_type not in ('raw', 'featmap'):
            raise ValueError(
                'A loss of the head wants patch tokens, but the backbone has '
                f"out_type='{self.backbone.out_type}': set out_type='raw' "
                '(same parameters; the head takes the class token itself).')

    def patch_tokens(self, features, image_size):
        if self.backbone.out_type == 'featmap':
            return features[-1]
        return self._patches(features[-1], image_size)

    def _patches(self, tokens, image_size):
        tokens = tokens[:, self.backbone.num_extra_tokens:]
        return tokens.transpose(1, 2).unflatten(2, self.grid(image_size))

    @contextmanager
    def added_to_values(self, signal):
        extra = self.backbone.num_extra_tokens

        def add(module, args, qkv):
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
