"""PVT and all its layers."""
from collections import OrderedDict
from typing import Iterator, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks.drop import DropPath
from mmcv.cnn.bricks.transformer import PatchEmbed
from mmengine.model import BaseModule, ModuleList
from mmengine.model.weight_init import trunc_normal_, trunc_normal_init
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from mmpretrain.models.utils import resize_pos_embed, to_2tuple
from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.registry import MODELS
from .out_types import check_out_type, select_tokens, tokens_to_map

STRIDES = (4, 2, 2, 2)
NORM_EPS = 1e-6  # of the norms in the blocks and of the final norm


def _trunc_normal(*shape: int) -> nn.Parameter:
    return nn.Parameter(trunc_normal_(torch.empty(shape), std=0.02))


class PositionEmbedding(BaseModule):
    """Position embeddings of the patches, learned on one grid and resized to
    theirs, and dropout after the sum.

    That of a class token, the first token, is a separate parameter, so that
    those of the patches have the same shape with and without it.
    """

    def __init__(self, grid: Tuple[int, int], embed_dims: int,
                 drop_rate: float, with_cls_token: bool):
        super().__init__()
        self.grid = grid
        self.with_cls_token = with_cls_token
        self.pos_embed = _trunc_normal(1, grid[0] * grid[1], embed_dims)
        if with_cls_token:
            self.pos_embed_cls = _trunc_normal(1, 1, embed_dims)
        self.drop = nn.Dropout(drop_rate)

    def forward(self, x: Tensor, hw_shape: Tuple[int, int]) -> Tensor:
        positions = resize_pos_embed(
            self.pos_embed,
            self.grid,
            hw_shape,
            mode='bilinear',
            num_extra_tokens=0)
        if self.with_cls_token:
            positions = torch.cat((self.pos_embed_cls, positions), 1)
        return self.drop(x + positions)


class SpatialReductionAttention(BaseModule):
    """Attention to a grid made coarser by a strided convolution.

    PVT, Eq. 1-3. The ``nn.MultiheadAttention`` only holds the weights, under
    the names they have in mmdet. ``q`` and ``kv`` are identities: forward
    hooks on them can record or replace the queries ``(N, L, C)``, and the
    concatenated keys and values ``(N, L', 2C)``.

    Args:
        embed_dims, num_heads (int): Number of channels C, and of heads.
        sr_ratio (int): Stride of the reduction; 1 means no reduction, and
            then any number of tokens is accepted.
        drop_rate (float): Dropout after the projection.
        sr_norm_eps (float): Epsilon of the norm after the reduction.
    """

    def __init__(self, embed_dims: int, num_heads: int, sr_ratio: int,
                 drop_rate: float, sr_norm_eps: float):
        super().__init__()
        self.embed_dims = embed_dims
        self.num_heads = num_heads
        self.sr_ratio = sr_ratio
        self.attn = nn.MultiheadAttention(embed_dims, num_heads)
        trunc_normal_(self.attn.in_proj_weight, std=0.02)
        trunc_normal_init(self.attn.out_proj, std=0.02)
        self.q, self.kv = nn.Identity(), nn.Identity()
        if sr_ratio > 1:
            self.sr = nn.Conv2d(embed_dims, embed_dims, sr_ratio, sr_ratio)
            self.norm = nn.LayerNorm(embed_dims, sr_norm_eps)
        self.proj_drop = nn.Dropout(drop_rate)

    def forward(self, x: Tensor, hw_shape: Tuple[int, int]) -> Tensor:
        c, weight, bias = (self.embed_dims, self.attn.in_proj_weight,
                           self.attn.in_proj_bias)
        query = self.q(F.linear(x, weight[:c], bias[:c]))
        if self.sr_ratio > 1:
            x = self.sr(tokens_to_map(x, hw_shape))
            x = self.norm(x.flatten(2).transpose(1, 2))
        key, value = self.kv(F.linear(x, weight[c:], bias[c:])).chunk(2, -1)
        x = F.scaled_dot_product_attention(
            *(part.unflatten(2, (self.num_heads, -1)).transpose(1, 2)
              for part in (query, key, value)))
        return self.proj_drop(self.attn.out_proj(x.transpose(1, 2).flatten(2)))


class TokenConv(nn.Conv2d):
    """A linear layer over tokens whose weight has the shape of a 1x1
    convolution's, as in mmdet."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__(in_channels, out_channels, 1)
        trunc_normal_init(self, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.flatten(1), self.bias)


class PVTBlock(BaseModule):
    """One encoder layer of PVT: spatial-reduction attention, then two linear
    layers applied to every token.

    Args:
        embed_dims, num_heads, sr_ratio, drop_rate, sr_norm_eps: See
            :class:`SpatialReductionAttention`.
        mlp_ratio (int): Ratio of hidden to outer channels of the
            feed-forward part.
        drop_path_rate (float): Probability of skipping each of the two parts.
    """

    def __init__(self, embed_dims: int, num_heads: int, mlp_ratio: int,
                 sr_ratio: int, drop_rate: float, drop_path_rate: float,
                 sr_norm_eps: float):
        super().__init__()
        self.norm1 = nn.LayerNorm(embed_dims, NORM_EPS)
        self.attn = SpatialReductionAttention(embed_dims, num_heads, sr_ratio,
                                              drop_rate, sr_norm_eps)
        self.norm2 = nn.LayerNorm(embed_dims, NORM_EPS)
        hidden_dims = mlp_ratio * embed_dims
        layers = nn.Sequential(
            TokenConv(embed_dims, hidden_dims), nn.GELU(),
            nn.Dropout(drop_rate), TokenConv(hidden_dims, embed_dims),
            nn.Dropout(drop_rate))
        self.ffn = nn.Sequential(OrderedDict(layers=layers))
        self.drop_path = DropPath(drop_path_rate)

    def forward(self, x: Tensor, hw_shape: Tuple[int, int]) -> Tensor:
        x = x + self.drop_path(self.attn(self.norm1(x), hw_shape))
        return x + self.drop_path(self.ffn(self.norm2(x)))


@MODELS.register_module()
class PyramidVisionTransformer(BaseBackbone):
    """Pyramid Vision Transformer, the classifier of the paper.

    `Pyramid Vision Transformer: A Versatile Backbone for Dense Prediction
    without Convolutions <https://arxiv.org/abs/2102.12122>`_. A class token
    joins the patches in the last stage, and its normalised feature is the
    input of the classifier.

    Names and shapes of the parameters are those of mmdet's
    ``PyramidVisionTransformer``, which has neither class token nor final norm
    and so lacks ``cls_token``, ``layers.3.1.0.pos_embed_cls`` (the class
    token's position embedding), ``norm.weight`` and ``norm.bias``.
    ``tools/model_converters/pvt.py`` converts published checkpoints.

    Images are cropped to a multiple of 32 pixels and the position embeddings
    are resized to match; any size of at least 32 pixels is accepted.

    Args:
        arch (str | dict): 'tiny', 'small', 'medium', 'large' or the first
            letter of one, or a dict with, for each stage, the lists
            ``embed_dims``, ``depths``, ``num_heads``, ``mlp_ratios`` and
            ``sr_ratios`` (1 in the last stage). Defaults to 'tiny'.
        img_size (int | tuple[int, int]): Height and width of the images for
            which the position embeddings are created. Defaults to 224.
        in_channels (int): Channels of the images. Defaults to 3.
        out_indices (Sequence[int]): The stages to output, counted from 0;
            stages other than the last only with 'featmap'. Defaults to (3, ).
        out_type (str): The form of the last stage's output: 'cls_token' is
            the class token ``(N, C)``, 'raw' all tokens ``(N, 1 + h * w, C)``,
            the class token first, and 'featmap' the patch tokens
            ``(N, C, h, w)``, which attend to the class token but do not
            include it. Other stages output feature maps. Defaults to
            'cls_token'.
        with_cls_token (bool): Whether the last stage has a class token and a
            final norm. Without, as for dense prediction in the public code,
            it has neither and ``out_type`` is 'featmap'. Defaults to True.
        drop_rate (float): Dropout after position embeddings, projections and
            both layers of the feed-forward parts, in [0, 1]. Defaults to 0.
        drop_path_rate (float): Stochastic depth rate of the last block, in
            [0, 1]; it grows linearly from 0 in the first. Defaults to 0.
        conv_norm_eps (float): Epsilon of the norms after a convolution, those
            of patch embedding and spatial reduction: 1e-6 in mmdet, 1e-5 in
            the public code of the classifier. Defaults to 1e-6.
        init_cfg (dict, optional): As in MMEngine. Defaults to None, the
            truncated normal distribution of the public code.

    Raises:
        MmmixError: If an argument is invalid or the images are too small.

    >>> backbone = PyramidVisionTransformer('tiny', out_type='raw')
    >>> backbone(torch.rand(2, 3, 64, 96))[0].shape
    torch.Size([2, 7, 512])
    """

    _stages = dict(
        embed_dims=(64, 128, 320, 512),
        num_heads=(1, 2, 5, 8),
        mlp_ratios=(8, 8, 4, 4),
        sr_ratios=(8, 4, 2, 1))
    arch_zoo = {
        **dict.fromkeys(['t', 'tiny'], dict(_stages, depths=(2, 2, 2, 2))),
        **dict.fromkeys(['s', 'small'], dict(_stages, depths=(3, 4, 6, 3))),
        **dict.fromkeys(['m', 'medium'], dict(_stages, depths=(3, 4, 18, 3))),
        **dict.fromkeys(['l', 'large'], dict(_stages, depths=(3, 8, 27, 3))),
    }

    def __init__(self,
                 arch: Union[str, dict] = 'tiny',
                 img_size: Union[int, Tuple[int, int]] = 224,
                 in_channels: int = 3,
                 out_indices: Sequence[int] = (3, ),
                 out_type: str = 'cls_token',
                 with_cls_token: bool = True,
                 drop_rate: float = 0.,
                 drop_path_rate: float = 0.,
                 conv_norm_eps: float = 1e-6,
                 init_cfg=None):
        super().__init__(init_cfg)
        settings = self._read_arch(arch)
        self.img_size = to_2tuple(img_size)
        self._check_size(self.img_size)
        check_out_type(out_type, out_indices, len(STRIDES))
        if not with_cls_token and out_type != 'featmap':
            raise MmmixError(f"out_type='{out_type}' requires the class "
                             "token: set with_cls_token=True, or "
                             "out_type='featmap'.")
        self.out_indices = out_indices
        self.out_type = out_type
        self.embed_dims = settings['embed_dims'][-1]
        self.with_cls_token = with_cls_token

        rates = torch.linspace(
            0, drop_path_rate, sum(settings['depths']), device='cpu').tolist()
        grid = self.img_size
        self.layers = ModuleList()
        for i, stride in enumerate(STRIDES):
            dims = settings['embed_dims'][i]
            patch_embed = PatchEmbed(
                in_channels=in_channels,
                embed_dims=dims,
                kernel_size=stride,
                stride=stride,
                padding=0,
                norm_cfg=dict(type='LN', eps=conv_norm_eps))
            grid = tuple(side // stride for side in grid)
            blocks = ModuleList([
                PositionEmbedding(
                    grid,
                    dims,
                    drop_rate,
                    with_cls_token=with_cls_token and i == len(STRIDES) - 1)
            ])
            for _ in range(settings['depths'][i]):
                blocks.append(
                    PVTBlock(
                        dims,
                        settings['num_heads'][i],
                        settings['mlp_ratios'][i],
                        settings['sr_ratios'][i],
                        drop_rate,
                        drop_path_rate=rates.pop(0),
                        sr_norm_eps=conv_norm_eps))
            self.layers.append(ModuleList([patch_embed, blocks]))
            in_channels = dims
        if with_cls_token:
            self.cls_token = _trunc_normal(1, 1, self.embed_dims)
            self.norm = nn.LayerNorm(self.embed_dims, NORM_EPS)

    def _read_arch(self, arch: Union[str, dict]) -> dict:
        if isinstance(arch, str):
            if arch.lower() not in self.arch_zoo:
                raise MmmixError(f"There is no arch '{arch}': choose one of "
                                 f'{", ".join(self.arch_zoo)}.')
            return self.arch_zoo[arch.lower()]
        keys = self.arch_zoo['tiny'].keys()
        if arch.keys() != keys or any(
                len(arch[key]) != len(STRIDES) for key in keys):
            raise MmmixError(
                f'arch={arch} must have the keys {", ".join(sorted(keys))}, '
                f'each with {len(STRIDES)} values.')
        if arch['sr_ratios'][-1] != 1:
            raise MmmixError(
                f"sr_ratios={arch['sr_ratios']} must end in 1: the last "
                'stage has a class token, which has no position on the grid.')
        return arch

    @staticmethod
    def _check_size(size: Sequence[int]) -> None:
        if min(size) < 32:
            raise MmmixError(f'Images of {size[0]} x {size[1]} pixels are too '
                             'small for PVT: use at least 32 x 32.')

    def position_grids(self) -> Iterator[Tuple[str, Tuple[int, int]]]:
        """Name and grid of each position table, for a checkpoint with
        others; they are resized bilinearly."""
        for i, (_, blocks) in enumerate(self.layers):
            yield f'layers.{i}.1.0.pos_embed', blocks[0].grid

    def forward(self, x: Tensor) -> Tuple[Tensor, ...]:
        self._check_size(x.shape[-2:])
        outs = []
        for i, (patch_embed, blocks) in enumerate(self.layers):
            with_cls_token = self.with_cls_token and i == len(STRIDES) - 1
            x, hw_shape = patch_embed(x)
            if with_cls_token:
                x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), 1)
            for block in blocks:
                x = block(x, hw_shape)
            if with_cls_token:
                out = select_tokens(self.norm(x), hw_shape, self.out_type)
            else:
                out = x = tokens_to_map(x, hw_shape)
            if i in self.out_indices:
                outs.append(out)
        return tuple(outs)
