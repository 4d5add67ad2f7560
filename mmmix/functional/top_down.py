"""How relevant each place of an image is for its label."""
import torch
import torch.nn.functional as F
from torch import Tensor

from mmmix.errors import MmmixError


def label_relevance(tokens: Tensor, weights: Tensor) -> Tensor:
    r"""The top-down signal :math:`t w_{td}` (TdAttenMix, Eq. 3).

    On a CNN this is the label's class activation map.

    Args:
        tokens (Tensor): Final features at each place ``(N, C, h, w)``.
        weights (Tensor): Classifier weights of each image's label
            ``(N, C)``.

    Returns:
        Tensor: ``(N, h, w)``, of either sign.

    Raises:
        ValueError: If the two differ in N or C.
    """
    if tokens.shape[:2] != weights.shape:
        raise MmmixError(
            '`tokens` (N, C, h, w) and `weights` (N, C) must agree in N and '
            f'C, but have shapes {tuple(tokens.shape)} and '
            f'{tuple(weights.shape)}.')
    with torch.autocast(tokens.device.type, enabled=False):
        return torch.einsum('nchw,nc->nhw', tokens, weights.to(tokens.dtype))


def cosine_relevance(tokens: Tensor, weights: Tensor) -> Tensor:
    r""":math:`\max(\cos(t, w_y), 0)` at each place.

    Args:
        tokens (Tensor): ``(N, C, h, w)``.
        weights (Tensor): ``(N, C)``.

    Returns:
        Tensor: ``(N, h, w)`` in [0, 1].
    """
    cosine = label_relevance(
        F.normalize(tokens, dim=1), F.normalize(weights, dim=1))
    return cosine.clamp(0, 1)


def blended_class_activation(energy: Tensor, activation: Tensor,
                             sigma: float) -> Tensor:
    r"""Activation energy and class activation map, balanced by sigma.

    .. math::
        E + \sigma \frac{\sum E}{\sum C^+} C^+

    where :math:`C^+` is the positive part of the class activation map: the
    sums of both are alike, so that sigma means the same on every image. With
    sigma 0, or a map without a positive place, it is E.

    Args:
        energy (Tensor): Not negative, ``(N, h, w)``.
        activation (Tensor): Class activation map ``(N, h, w)``.
        sigma (float): Balance, not negative.

    Returns:
        Tensor: ``(N, h, w)``, not negative.
    """
    positive = activation.clamp(min=0)
    mass = positive.sum((1, 2), keepdim=True)
    share = positive / mass.masked_fill(mass == 0, 1)
    return energy + sigma * energy.sum((1, 2), keepdim=True) * share


def above_threshold(maps: Tensor) -> Tensor:
    r"""What rises above most of a map.

    .. math::
        \max(r - (0.7 \max r + 0.3 \min r), 0)

    as in the public code of TdAttenMix. A map that is the same everywhere
    has none.

    Args:
        maps (Tensor): ``(N, h, w)``.

    Returns:
        Tensor: ``(N, h, w)``, not negative.
    """
    low, high = maps.flatten(1).aminmax(dim=1)
    return (maps - low.lerp(high, 0.7)[:, None, None]).clamp(min=0)
