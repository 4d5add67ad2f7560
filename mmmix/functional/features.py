"""Features of several images, blended inside of a network."""
import torch
from torch import Tensor

from mmmix.errors import MmmixError


def check_floating(inputs: Tensor) -> None:
    """Raise a MmmixError if images are of whole numbers, such as bytes, that
    cannot be blended."""
    if not inputs.is_floating_point():
        raise MmmixError('`inputs` must be floating point to be blended, but '
                         f'are {inputs.dtype}: convert or normalise them.')


def blend_features(values: Tensor, source: Tensor, weight: Tensor) -> Tensor:
    r"""Blend the features of each image with those of its source.

    .. math::
        (1 - w_i) \odot v_i + w_i \odot v_{source_i}

    A weight of 0 or 1 gives exactly the image's own or the source's value.
    Half precision is blended in float32 and rounded once.

    Args:
        values (Tensor): ``(N, ...)``.
        source (Tensor): ``(N,)`` int64, index of the image that is mixed in.
        weight (Tensor): Weight of the source in [0, 1], as many axes as
            ``values``, each as long as there or 1.

    Returns:
        Tensor: Of the shape and dtype of ``values``, which is not modified.

    Raises:
        MmmixError: If shapes do not match.

    >>> values = torch.tensor([[1., 2.], [3., 6.]])
    >>> weight = torch.tensor([[0.5, 1.], [0., 0.25]])
    >>> blend_features(values, torch.tensor([1, 0]), weight)
    tensor([[2., 6.],
            [3., 5.]])
    """
    if source.shape != values.shape[:1] or weight.ndim != values.ndim or any(
            w not in (1, v) for w, v in zip(weight.shape, values.shape)):
        raise MmmixError(
            'Values (N, ...), `source` (N,) and `weight` with as many axes as '
            f'the values must agree, but have shapes {tuple(values.shape)}, '
            f'{tuple(source.shape)} and {tuple(weight.shape)}.')
    wide = torch.promote_types(values.dtype, torch.float32)
    theirs = values.index_select(0, source).to(wide)
    return values.to(wide).lerp(theirs, weight.to(wide)).to(values.dtype)
