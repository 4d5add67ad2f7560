from abc import abstractmethod
from typing import Dict, Sequence, Tuple

from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.functional import class_attention, image_attention_score
from .base import AttentionExtractor, Outputs


class ClassTokenAttention(AttentionExtractor):
    """Families whose final tokens are a class token followed by the patches.

    A subclass defines :attr:`last_layer`, :meth:`query_key`, the hooked
    modules that these require, and the remaining abstract methods of
    :class:`~mmmix.models.attention.AttentionExtractor`. By default the
    bottom-up map is the image attention score of the last block (SMMix,
    Eq. 5-6), without the class token's row and column.

    Attributes:
        num_extra_tokens (int): Number of tokens before the patches.
    """

    has_class_attention = True
    num_extra_tokens = 1

    @property
    @abstractmethod
    def last_layer(self) -> nn.Module:
        """The module that outputs the final tokens ``(N, 1+hw, C)``: the last
        norm."""

    @abstractmethod
    def query_key(self, outputs: Outputs) -> Tuple[Tensor, Tensor]:
        """Queries and keys of all tokens in the last block,
        ``(N, heads, 1+hw, d)`` each, from the outputs of
        :meth:`hooked_modules`; of the queries, the class token's may be the
        only one."""

    def hooked_modules(self) -> Dict[str, nn.Module]:
        return dict(tokens=self.last_layer)

    def class_attention(self, outputs: Outputs, features: Tuple,
                        image_size: Sequence[int]) -> Tensor:
        query, key = self.query_key(outputs)
        attention = class_attention(query[:, :, 0], key, self.num_extra_tokens)
        return attention.unflatten(1, self.grid(image_size))

    def bottom_up(self, outputs: Outputs, features: Tuple,
                  image_size: Sequence[int]) -> Tensor:
        score = image_attention_score(*self.query_key(outputs),
                                      self.num_extra_tokens)
        return score.unflatten(1, self.grid(image_size))

    def tokens(self, outputs: Outputs, features: Tuple,
               image_size: Sequence[int]) -> Tensor:
        # the backbone of a frozen guide may output its class token alone
        return self._patches(outputs['tokens'], image_size)

    def check_tokens(self) -> None:
        out_type = getattr(self.backbone, 'out_type', 'raw')
        if out_type not in ('raw', 'featmap'):
            raise MmmixError(
                'A loss of the head requires patch tokens, but the backbone '
                f"has out_type='{out_type}': set out_type='raw' (same "
                'parameters). A MixVisionTransformerClsHead selects the class '
                'token itself; a MixLinearClsHead requires '
                "neck=dict(type='mmmix.ClassTokenNeck').")

    def patch_tokens(self, features: Tuple,
                     image_size: Sequence[int]) -> Tensor:
        last = features[-1]
        return last if last.ndim == 4 else self._patches(last, image_size)

    def _patches(self, tokens: Tensor, image_size: Sequence[int]) -> Tensor:
        tokens = tokens[:, self.num_extra_tokens:].transpose(1, 2)
        return tokens.unflatten(2, self.grid(image_size))


def split_heads(tokens: Tensor, heads: int) -> Tensor:
    """Reshape ``(N, L, heads * d)`` to ``(N, heads, L, d)``."""
    return tokens.unflatten(2, (heads, -1)).transpose(1, 2)
