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
    <https://arxiv.org/abs/2303.13043>`_. Its forward pass is the plain ViT's.
    Beside the ViT's parameters it has two linear maps :math:`g_l, h_l` for
    each block, without bias, and the vector ``prompt``. Steered tokens z are
    decoded from the last block down to the first:

    .. math::
        z_L = z, \quad z_{l-1} = g_l z_l, \quad s_l = h_l z_{l-1}

    A second forward pass takes the signals s as input of the value projection
    beside the block's own. Q and K do not see them:

    .. math::
        V_l = (W_V x_l + b_V) + (W_V s_l + b_V)

    The bias counts twice, as it does in the authors' public code, with which
    the published weights were trained: signals of zero are the plain pass
    only where it is zero. The published classifier steers by ``prompt``; for
    a label, see :class:`~mmmix.models.attention.AbSViTTopDown`, which does not
    use it. ``tools/model_converters/absvit.py`` converts published weights;
    'AbSViT-Ti', '-S' and '-B' have the ``arch`` 'deit-tiny', 'deit-small' and
    'base'.

    Args:
        *args: Of MMPretrain's ``VisionTransformer``.
        **kwargs: Of MMPretrain's ``VisionTransformer``.
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
        """Decode steered tokens to a signal for each block.

        Args:
            tokens (Tensor): All tokens, the class token too ``(N, L, C)``.

        Returns:
            list[Tensor]: The first block's first, each ``(N, L, C)``.
        """
        signals = []
        for decoder in reversed(self.decoders):
            tokens = decoder['linear'](tokens)
            signals.append(decoder['linear2'](tokens))
        return signals[::-1]

    def forward(self,
                x: Tensor,
                signals: Optional[Sequence[Tensor]] = None) -> Tuple:
        """The plain pass or, given signals, the steered one.

        Args:
            x (Tensor): Images ``(N, 3, H, W)``.
            signals (Sequence[Tensor], optional): What :meth:`feedback`
                answered.
        """
        handles = [
            layer.attn.qkv.register_forward_hook(
                partial(_add_to_values, signal=signal))
            for layer, signal in zip(self.layers, signals or ())
        ]
        try:
            return super().forward(x)
        finally:
            for handle in handles:
                handle.remove()


def _add_to_values(qkv: nn.Linear, args: Tuple, output: Tensor,
                   signal: Tensor) -> Tensor:
    """Project a signal as the input is, and add it to V alone."""
    projection = [parameter.chunk(3)[2] for parameter in qkv.parameters()]
    query, key, value = output.chunk(3, dim=-1)
    return torch.cat([query, key, value + F.linear(signal, *projection)], -1)
