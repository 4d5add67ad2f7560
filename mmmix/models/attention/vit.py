from contextlib import contextmanager

from mmpretrain.models.backbones import VisionTransformer
from mmpretrain.models.utils import MultiheadAttention

from mmmix.functional import image_attention_score
from mmmix.registry import ATTENTION_EXTRACTORS
from .base import AttentionExtractor


@ATTENTION_EXTRACTORS.register_module()
class ViTAttention(AttentionExtractor):
    """ViT and DeiT: the image attention score of the last block.

    SMMix, Eq. 5-6. MMPretrain's attention is fused and keeps no weights, so
    they are computed from the output of the block's own ``qkv`` layer: no
    projection is done twice.
    """

    @classmethod
    def reads(cls, backbone):
        # relatives such as BEiT inherit from it with another attention
        return isinstance(backbone, VisionTransformer) and isinstance(
            backbone.layers[-1].attn, MultiheadAttention)

    def grid(self, image_size):
        """Height and width of the patch grid."""
        patch = self.backbone.patch_embed.projection.stride
        if any(side % p for side, p in zip(image_size, patch)):
            raise ValueError(
                f'Images of {image_size[0]} x {image_size[1]} pixels do not '
                f'divide into patches of {patch[0]} x {patch[1]}: resize or '
                'crop them to a multiple of the patch size.')
        return tuple(side // p for side, p in zip(image_size, patch))

    def check_image_size(self):
        self.grid(self.backbone.img_size)

    @contextmanager
    def watch(self, image_size):
        attn = self.backbone.layers[-1].attn
        extra = self.backbone.num_extra_tokens
        grid = self.grid(image_size)
        seen = []

        def read():
            n, tokens, _ = seen[-1].shape
            query, key, _ = seen[-1].reshape(n, tokens, 3, attn.num_heads,
                                             -1).permute(2, 0, 3, 1, 4)
            return image_attention_score(query, key, extra).view(n, *grid)

        handle = attn.qkv.register_forward_hook(
            lambda module, args, output: seen.append(output))
        try:
            yield read
        finally:
            handle.remove()

    def check_tokens(self):
        if self.backbone.out_type not in ('raw', 'featmap'):
            raise ValueError(
                'A loss of the head wants patch tokens, but the backbone has '
                f"out_type='{self.backbone.out_type}': set out_type='raw' "
                '(same parameters; the head takes the class token itself).')

    def patch_tokens(self, features, image_size):
        tokens = features[-1]
        if self.backbone.out_type == 'featmap':
            return tokens
        tokens = tokens[:, self.backbone.num_extra_tokens:]
        return tokens.transpose(1, 2).unflatten(2, self.grid(image_size))
