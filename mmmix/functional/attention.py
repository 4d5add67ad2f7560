"""Attention maps from queries and keys."""
import torch
from torch import Tensor


def image_attention_score(query: Tensor,
                          key: Tensor,
                          num_extra_tokens: int = 0) -> Tensor:
    r"""How much each patch is attended to by all patches (SMMix, Eq. 5-6).

    .. math::
        \alpha = \frac{1}{N} \sum_{i=1}^N A^i, \quad
        A = \mathrm{softmax}(Q K^T / \sqrt{d})

    averaged over the heads. If there is a class token, the softmax runs over
    all tokens, and the class token's row and column are dropped afterwards.

    Args:
        query (Tensor): ``(N, heads, tokens, d)``.
        key (Tensor): ``(N, heads, tokens, d)``.
        num_extra_tokens (int): Number of leading tokens that are not patches
            (the class token). Defaults to 0.

    Returns:
        Tensor: ``(N, tokens - num_extra_tokens)``, float32 even under
        autocast (float64 for float64 input); each row sums to at most 1.

    >>> query = key = torch.zeros(1, 2, 5, 8)  # uniform attention
    >>> image_attention_score(query, key, num_extra_tokens=1)
    tensor([[0.2000, 0.2000, 0.2000, 0.2000]])
    """
    attention = _attention(query[:, :, num_extra_tokens:], key)
    return attention.mean((1, 2))[:, num_extra_tokens:]


def class_attention(query: Tensor,
                    key: Tensor,
                    num_extra_tokens: int = 1) -> Tensor:
    r"""Attention of the class token to the patches (MixPro, Eq. 1-4).

    .. math::
        A = \mathrm{softmax}(q K^T / \sqrt{d})_{1..N}

    averaged over the heads; the softmax runs over the class token too.

    Args:
        query (Tensor): Query of the class token ``(N, heads, d)``.
        key (Tensor): Keys of all tokens ``(N, heads, tokens, d)``.
        num_extra_tokens (int): Number of leading tokens that are not
            patches. Defaults to 1, the class token.

    Returns:
        Tensor: ``(N, tokens - num_extra_tokens)``, float32 even under
        autocast (float64 for float64 input); each row sums to at most 1.

    >>> class_attention(torch.zeros(1, 2, 8), torch.zeros(1, 2, 5, 8))
    tensor([[0.2000, 0.2000, 0.2000, 0.2000]])
    """
    attention = _attention(query[:, :, None], key)
    return attention.mean(1)[:, 0, num_extra_tokens:]


def _attention(query: Tensor, key: Tensor) -> Tensor:
    """Attention weights ``(N, heads, queries, keys)`` in full precision."""
    with torch.autocast(query.device.type, enabled=False):
        dtype = torch.promote_types(query.dtype, torch.float32)
        query, key = query.to(dtype), key.to(dtype)
        scores = (query * query.size(-1)**-0.5) @ key.transpose(-2, -1)
        return scores.softmax(-1)
