from abc import abstractmethod
from typing import Tuple

from torch import Tensor, nn

from mmmix.errors import MmmixError
from mmmix.functional import class_attention

from .base import AttentionExtractor, Outputs


class ClassTokenAttention(AttentionExtractor):
    """Families whose final tokens are a class token and then the patches.

    A child defines :attr:`last_layer`, :meth:`class_query_key`, the
    hooked modules that these read, and what is left of
    :class:`~mmmix.models.attention.AttentionExtractor`.

    Attributes:
        num_extra_tokens (int): How many tokens come before the patches.
    """

    has_class_attention = True
    num_extra_tokens = 1

    @property
    @abstractmethod
    def last_layer(self) -> nn.Module:
        """What answers the final tokens ``(N, 1+hw, C)``: the last norm."""

    @abstractmethod
    def class_query_key(self, outputs: Outputs) -> Tuple[Tensor, Tensor]:
        """The class token's query ``(N, heads, d)`` and all tokens' keys
        ``(N, heads, 1+hw, d)`` in the last block.

        Args:
            outputs (dict[str, Tensor]): Outputs of :meth:`hooked_modules`.
        """

    def hooked_modules(self):
        return dict(tokens=self.last_layer)

    def class_attention(self, outputs, features, image_size):
        attention = class_attention(*self.class_query_key(outputs),
                                    self.num_extra_tokens)
        return attention.unflatten(1, self.grid(image_size))

    def tokens(self, outputs, features, image_size):
        # a frozen guide may answer its class token alone
        return self._patches(outputs['tokens'], image_size)

    def check_tokens(self):
        out_type = getattr(self.backbone, 'out_type', 'raw')
        if out_type not in ('raw', 'featmap'):
            raise MmmixError(
                'A loss of the head wants patch tokens, but the backbone has '
                f"out_type='{out_type}': set out_type='raw' (same "
                'parameters). A MixVisionTransformerClsHead takes the class '
                'token itself; a MixLinearClsHead needs '
                "neck=dict(type='mmmix.ClassTokenNeck') before it.")

    def patch_tokens(self, features, image_size):
        last = features[-1]
        return last if last.ndim == 4 else self._patches(last, image_size)

    def _patches(self, tokens, image_size):
        tokens = tokens[:, self.num_extra_tokens:].transpose(1, 2)
        return tokens.unflatten(2, self.grid(image_size))


def split_heads(tokens: Tensor, heads: int) -> Tensor:
    """From ``(N, L, heads * d)`` to ``(N, heads, L, d)``."""
    return tokens.unflatten(2, (heads, -1)).transpose(1, 2)
