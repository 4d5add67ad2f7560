"""The output forms of a backbone with a class token."""
from typing import Sequence, Tuple

from torch import Tensor

from mmmix.errors import MmmixError

OUT_TYPES = ('cls_token', 'raw', 'featmap')


def check_out_type(out_type: str, out_indices: Sequence[int],
                   num_stages: int) -> None:
    """Raise an MmmixError unless the stages, counted from 0, can be output in
    this form; only the last has the class token."""
    if out_type not in OUT_TYPES:
        raise MmmixError(f"out_type='{out_type}' is not one of {OUT_TYPES}.")
    last = num_stages - 1
    if not out_indices or not all(0 <= i <= last for i in out_indices):
        raise MmmixError(f'out_indices={tuple(out_indices)} must name stages '
                         f'from 0 to {last}.')
    if out_type != 'featmap' and tuple(out_indices) != (last, ):
        raise MmmixError(
            f"out_type='{out_type}' requires the class token, which only "
            f'stage {last} has: set out_indices=({last}, ) instead of '
            f"{tuple(out_indices)}, or out_type='featmap'.")


def select_tokens(tokens: Tensor, hw_shape: Tuple[int, int],
                  out_type: str) -> Tensor:
    """Tokens ``(N, 1 + h * w, C)``, the class token first, in an output form:
    ``(N, C)`` for 'cls_token', unchanged for 'raw', and ``(N, C, h, w)`` for
    'featmap'."""
    if out_type == 'cls_token':
        return tokens[:, 0]
    if out_type == 'raw':
        return tokens
    return tokens_to_map(tokens[:, 1:], hw_shape)


def tokens_to_map(tokens: Tensor, hw_shape: Tuple[int, int]) -> Tensor:
    """Reshape ``(N, h * w, C)`` to ``(N, C, h, w)``."""
    return tokens.transpose(1, 2).unflatten(2, hw_shape)
