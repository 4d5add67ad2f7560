from contextlib import ExitStack
from functools import partial
from typing import List, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmpretrain.models.backbones import VisionTransformer
from torch import Tensor, nn

from mmmix.registry import MODELS


@MODELS.register_module()
class AbSViT(VisionTransformer):
    r"""A ViT with a feedback path for top-down attention.

    `Top-Down Visual Attention from Analysis by Synthesis
    <https://arxiv.org/abs/2303.13043>`_. Its first forward pass is that of a
    plain ViT. In addition to the parameters of a ViT it has two linear maps
    :math:`g_l, h_l` without bias for each block, and the vector ``prompt``.
    Steered tokens z are decoded from the last block down to the first:

    .. math::
        z_L = z, \quad z_{l-1} = g_l z_l, \quad s_l = h_l z_{l-1}

    In a second forward pass the value projection is also applied to the
    signals s and the result is added to V. Q and K do not depend on s:

    .. math::
        V_l = (W_V x_l + b_V) + (W_V s_l + b_V)

    The bias is counted twice, as in the authors' public code, with which the
    published weights were trained; signals of zero therefore give the plain
    pass only if the bias is zero. The published classifier steers by
    ``prompt``; to steer by a label, see
    :class:`~mmmix.models.attention.AbSViTTopDown`, which does not use
    ``prompt``. ``tools/model_converters/absvit.py`` converts published
    weights; 'AbSViT-Ti', '-S' and '-B' have the ``arch`` 'deit-tiny',
    'deit-small' and 'base'.

    Args:
        args, kwargs: Passed to MMPretrain's ``VisionTransformer``.

    >>> backbone = AbSViT('deit-tiny', img_size=32, out_type='raw')
    >>> images = torch.rand(2, 3, 32, 32)
    >>> tokens, = backbone(images)
    >>> steered, = backbone(images, backbone.feedback(tokens))
    >>> steered.shape
    torch.Size([2, 5, 192])
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        dims = self.embed_dims
        self.decoders = nn.ModuleList(
            nn.ModuleDict({
                name: nn.Linear(dims, dims, bias=False)
                for name in ('linear', 'linear2')
            }) for _ in self.layers)
        self.prompt = nn.Parameter(torch.randn(dims))

    def feedback(self, tokens: Tensor) -> List[Tensor]:
        """Decode steered tokens ``(N, L, C)``, class token included, into one
        signal ``(N, L, C)`` per block, from the first block to the last."""
        signals = []
        for decoder in reversed(self.decoders):
            tokens = decoder['linear'](tokens)
            signals.append(decoder['linear2'](tokens))
        return signals[::-1]

    def forward(self,
                x: Tensor,
                signals: Optional[Sequence[Tensor]] = None) -> Tuple:
        """Run the plain pass or, if signals of :meth:`feedback` are given,
        the steered pass."""
        with ExitStack() as hooks:
            for layer, signal in zip(self.layers, signals or ()):
                hook = partial(_add_to_values, signal=signal)
                hooks.enter_context(layer.attn.qkv.register_forward_hook(hook))
            return super().forward(x)


def _add_to_values(qkv: nn.Linear, args: Tuple, output: Tensor,
                   signal: Tensor) -> Tensor:
    """Project a signal with the layer's weights for V and add it to V."""
    projection = [parameter.chunk(3)[2] for parameter in qkv.parameters()]
    query, key, value = output.chunk(3, dim=-1)
    return torch.cat([query, key, value + F.linear(signal, *projection)], -1)
