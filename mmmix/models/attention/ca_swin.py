from mmmix.registry import ATTENTION_EXTRACTORS

from ..backbones.ca_swin import CASwin
from .class_token import ClassTokenAttention, split_heads
from .swin import SwinAttention


@ATTENTION_EXTRACTORS.register_module()
class CASwinAttention(ClassTokenAttention, SwinAttention):
    """CA-Swin: the class attention of its last block.

    In the last block the class token alone attends, so the bottom-up map is
    the image attention score of the block before it, as in
    :class:`SwinAttention`. The last block leaves the patch tokens as they
    are.
    """

    @classmethod
    def supports(cls, backbone):
        return isinstance(backbone, CASwin) and len(
            backbone.stages[-1].blocks) > 1

    @property
    def windows(self):
        return self.backbone.stages[-1].blocks[-2].attn

    @property
    def _class_layer(self):
        return self.backbone.stages[-1].blocks[-1].attn['w_msa']

    @property
    def last_layer(self):
        return getattr(self.backbone, f'norm{self.backbone.num_layers - 1}')

    @property
    def activation_layer(self):
        return self.backbone.stages[-1].blocks[-1].norm1

    def hooked_modules(self):
        return dict(
            ClassTokenAttention.hooked_modules(self),
            **SwinAttention.hooked_modules(self),
            qkv=self._class_layer.qkv)

    def class_query_key(self, outputs):
        query, key, _ = outputs['qkv'].chunk(3, -1)
        heads = self._class_layer.num_heads
        return query[:, 0].unflatten(1, (heads, -1)), split_heads(key, heads)
