from typing import Sequence, Tuple, Union

import torch
import torch.nn.functional as F
import torch.utils.checkpoint as cp
from mmengine.model import BaseModule
from mmengine.model.weight_init import trunc_normal_
from mmpretrain.models.backbones import SwinTransformer
from mmpretrain.models.backbones.swin_transformer import SwinBlock
from mmpretrain.models.utils import WindowMSA, resize_pos_embed
from torch import Tensor, nn

from mmmix.registry import MODELS
from .out_types import check_out_type, select_tokens, tokens_to_map


class ClassAttention(BaseModule):
    """Attention of the first token to all tokens, including itself.

    CaiT, Section 3, with the layers of a window attention. Queries, keys and
    values of every token are computed, so that the output of ``qkv`` has the
    same form for a forward hook as in any other block; only the first query
    is used.
    """

    def __init__(self, w_msa: WindowMSA):
        super().__init__()
        self.num_heads = w_msa.num_heads
        self.scale = w_msa.scale
        self.qkv = w_msa.qkv
        self.attn_drop = w_msa.attn_drop
        self.proj = w_msa.proj
        self.proj_drop = w_msa.proj_drop

    def forward(self, tokens: Tensor) -> Tensor:
        """Compute the update of the first token ``(N, 1, C)`` from tokens
        ``(N, L, C)``."""
        qkv = self.qkv(tokens).unflatten(2, (3, self.num_heads, -1))
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        update = F.scaled_dot_product_attention(
            query[:, :, :1],
            key,
            value,
            dropout_p=self.attn_drop.p if self.training else 0.,
            scale=self.scale)
        return self.proj_drop(self.proj(update.transpose(1, 2).flatten(2)))


class ClassAttentionBlock(BaseModule):
    """A Swin block in which only a class token attends and is transformed,
    by the layers of a stock block."""

    def __init__(self, block: SwinBlock):
        super().__init__()
        self.with_cp = block.with_cp
        self.cls_token = nn.Parameter(
            trunc_normal_(
                torch.empty(1, 1, block.attn.w_msa.embed_dims), std=0.02))
        self.norm1 = block.norm1
        self.attn = nn.ModuleDict(
            dict(w_msa=ClassAttention(block.attn.w_msa), drop=block.attn.drop))
        self.norm2 = block.norm2
        self.ffn = block.ffn

    def forward(self, x: Tensor, hw_shape: Tuple[int, int]) -> Tensor:
        """Return tokens ``(N, 1 + L, C)``: the class token, then the patches
        ``(N, L, C)`` unchanged."""
        if self.with_cp and x.requires_grad:
            token = cp.checkpoint(self._class_token, x, use_reentrant=False)
        else:
            token = self._class_token(x)
        return torch.cat((token, x), 1)

    def _class_token(self, x: Tensor) -> Tensor:
        token = self.cls_token.expand(len(x), -1, -1)
        tokens = self.norm1(torch.cat((token, x), 1))
        token = token + self.attn['drop'](self.attn['w_msa'](tokens))
        return self.ffn(self.norm2(token), identity=token)


@MODELS.register_module()
class CASwin(SwinTransformer):
    """CA-Swin: Swin whose last block is a class-attention block.

    TransMix and MixPro (Section 4.1) require a class token that attends to
    the patches, which Swin does not have; they replace its last block "with a
    classification attention (CA) block without parameter overhead" and publish
    no code. Here that block is the class attention of `CaiT
    <https://arxiv.org/abs/2103.17239>`_, without its LayerScale: a class token
    attends to all patches of the last stage and to itself, and only the class
    token passes through the feed-forward layers.

    The block reuses all layers of the block it replaces, with the same sizes
    and names (``norm1``, ``attn.w_msa.qkv``, ``attn.w_msa.proj``, ``norm2``,
    ``ffn``). The class token has no position on the grid, so the relative
    position bias does not apply to it and is removed: 169 x 24 parameters in
    Swin-T and Swin-S, while the class token adds 768. In Swin-T the last
    block is ``stages.3.blocks.1``. A stock checkpoint loads except for the
    ``attn.w_msa.relative_position_bias_table`` and
    ``attn.w_msa.relative_position_index`` of that block; the block's
    ``cls_token`` keeps its random initialisation.

    Images may have any size that Swin accepts.

    Args:
        arch (str | dict): As in Swin. Defaults to 'tiny'.
        out_indices (Sequence[int]): The stages to output, counted from 0;
            stages other than the last only with 'featmap'. Defaults to (3, ).
        out_type (str): The form of the last stage's output, after the norm
            that Swin has there: 'cls_token' is the class token ``(N, C)``,
            'raw' all tokens ``(N, 1 + h * w, C)``, the class token first, and
            'featmap' the patch tokens ``(N, C, h, w)``, which do not depend
            on the class token: the last block then gets no gradient. Other
            stages output feature maps, as in Swin. Defaults to 'cls_token'.
        **kwargs: Passed to ``mmpretrain.SwinTransformer``.

    Raises:
        MmmixError: If ``out_type`` or ``out_indices`` is invalid, or they do
            not fit together.

    >>> backbone = CASwin('tiny', img_size=64, window_size=2, out_type='raw')
    >>> backbone(torch.rand(2, 3, 64, 64))[0].shape
    torch.Size([2, 5, 768])
    """

    with_cls_token = True

    def __init__(self,
                 arch: Union[str, dict] = 'tiny',
                 out_indices: Sequence[int] = (3, ),
                 out_type: str = 'cls_token',
                 **kwargs):
        num_stages = len(arch['depths']) if isinstance(arch, dict) else 4
        check_out_type(out_type, out_indices, num_stages)
        super().__init__(arch, out_indices=out_indices, **kwargs)
        self.out_type = out_type
        blocks = self.stages[-1].blocks
        blocks[-1] = ClassAttentionBlock(blocks[-1])

    def forward(self, x: Tensor) -> Tuple[Tensor, ...]:
        x, hw_shape = self.patch_embed(x)
        if self.use_abs_pos_embed:
            x = x + resize_pos_embed(
                self.absolute_pos_embed,
                self.patch_resolution,
                hw_shape,
                self.interpolate_mode,
                num_extra_tokens=0)
        x = self.drop_after_pos(x)

        outs = []
        for i, stage in enumerate(self.stages):
            x, hw_shape = stage(x, hw_shape, self.out_after_downsample)
            if i in self.out_indices:
                out = getattr(self, f'norm{i}')(x)
                if stage is self.stages[-1]:
                    outs.append(select_tokens(out, hw_shape, self.out_type))
                else:
                    outs.append(tokens_to_map(out, hw_shape))
            if stage.downsample is not None and not self.out_after_downsample:
                x, hw_shape = stage.downsample(x, hw_shape)
        return tuple(outs)
