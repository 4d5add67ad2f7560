from typing import Any, Dict, Tuple

from mmpretrain.models.utils import ShiftWindowMSA
from torch import Tensor, nn

from mmmix.registry import ATTENTION_EXTRACTORS
from ..backbones.ca_swin import CASwin
from .base import Outputs
from .class_token import ClassTokenAttention, split_heads
from .swin import SwinAttention


@ATTENTION_EXTRACTORS.register_module()
class CASwinAttention(ClassTokenAttention, SwinAttention):
    """CA-Swin: the class attention of its last block.

    In the last block only the class token attends, so the bottom-up map is
    the image attention score of the block before it, as in
    :class:`SwinAttention`. The last block does not change the patch tokens.
    """

    @classmethod
    def supports(cls, backbone: nn.Module) -> bool:
        return isinstance(backbone, CASwin) and len(
            backbone.stages[-1].blocks) > 1

    bottom_up = SwinAttention.bottom_up

    @property
    def windows(self) -> ShiftWindowMSA:
        return self.backbone.stages[-1].blocks[-2].attn

    @property
    def _class_layer(self) -> Any:
        return self.backbone.stages[-1].blocks[-1].attn['w_msa']

    @property
    def last_layer(self) -> nn.Module:
        return getattr(self.backbone, f'norm{self.backbone.num_layers - 1}')

    @property
    def activation_layer(self) -> nn.Module:
        return self.backbone.stages[-1].blocks[-1].norm1

    def hooked_modules(self) -> Dict[str, nn.Module]:
        return dict(
            ClassTokenAttention.hooked_modules(self),
            **SwinAttention.hooked_modules(self),
            qkv=self._class_layer.qkv)

    def query_key(self, outputs: Outputs) -> Tuple[Tensor, Tensor]:
        query, key, _ = outputs['qkv'].chunk(3, -1)
        heads = self._class_layer.num_heads
        return split_heads(query, heads), split_heads(key, heads)
