"""How relevant each location in an image is for its label."""
import torch
import torch.nn.functional as F
from torch import Tensor

from mmmix.errors import MmmixError


def label_relevance(tokens: Tensor, weights: Tensor) -> Tensor:
    r"""The top-down signal :math:`t w_{td}` (TdAttenMix, Eq. 3).

    On a CNN this is the label's class activation map.

    Args:
        tokens (Tensor): Final features at each location ``(N, C, h, w)``.
        weights (Tensor): Classifier weights of each image's label
            ``(N, C)``.

    Returns:
        Tensor: ``(N, h, w)``, of either sign.

    Raises:
        MmmixError: If the two differ in N or C.

    >>> tokens = torch.tensor([[[[1., 0.]], [[2., 3.]]]])
    >>> label_relevance(tokens, torch.tensor([[1., -1.]]))
    tensor([[[-1., -3.]]])
    """
    if tokens.shape[:2] != weights.shape:
        raise MmmixError(
            '`tokens` (N, C, h, w) and `weights` (N, C) must agree in N and '
            f'C, but have shapes {tuple(tokens.shape)} and '
            f'{tuple(weights.shape)}.')
    with torch.autocast(tokens.device.type, enabled=False):
        return torch.einsum('nchw,nc->nhw', tokens, weights.to(tokens.dtype))


def cosine_relevance(tokens: Tensor, weights: Tensor) -> Tensor:
    r""":math:`\max(\cos(t, w_y), 0)` at each location.

    Args:
        tokens (Tensor): ``(N, C, h, w)``.
        weights (Tensor): ``(N, C)``.

    Returns:
        Tensor: ``(N, h, w)`` in [0, 1].

    Raises:
        MmmixError: If the two differ in N or C.

    >>> tokens = torch.tensor([[[[3., -1.]], [[4., 0.]]]])
    >>> cosine_relevance(tokens, torch.tensor([[1., 0.]]))
    tensor([[[0.6000, 0.0000]]])
    """
    cosine = label_relevance(
        F.normalize(tokens, dim=1), F.normalize(weights, dim=1))
    return cosine.clamp(0, 1)


def blended_class_activation(energy: Tensor, activation: Tensor,
                             sigma: float) -> Tensor:
    r"""Activation energy plus class activation map, balanced by sigma.

    .. math::
        E + \sigma \frac{\sum E}{\sum C^+} C^+

    where :math:`C^+` is the positive part of the class activation map. Both
    are scaled to the same sum, so that sigma means the same for every image.
    With sigma 0, or a class activation map without a positive value, the
    result is E.

    Args:
        energy (Tensor): Activation energy ``(N, h, w)``, non-negative.
        activation (Tensor): Class activation map ``(N, h, w)``.
        sigma (float): Balance, non-negative.

    Returns:
        Tensor: ``(N, h, w)``, non-negative.

    >>> energy, activation = torch.ones(1, 1, 2), torch.tensor([[[4., -1.]]])
    >>> blended_class_activation(energy, activation, 0.5)
    tensor([[[2., 1.]]])
    """
    positive = activation.clamp(min=0)
    mass = positive.sum((1, 2), keepdim=True)
    share = positive / mass.masked_fill(mass == 0, 1)
    return energy + sigma * energy.sum((1, 2), keepdim=True) * share


def above_threshold(maps: Tensor) -> Tensor:
    r"""The part of a map above a threshold between its extremes.

    .. math::
        \max(r - (0.7 \max r + 0.3 \min r), 0)

    as in the public code of TdAttenMix. A constant map gives zero everywhere.

    Args:
        maps (Tensor): Maps r, ``(N, h, w)``.

    Returns:
        Tensor: ``(N, h, w)``, non-negative.

    >>> above_threshold(torch.tensor([[[0., 5., 10.]]]))
    tensor([[[0., 0., 3.]]])
    """
    low, high = maps.flatten(1).aminmax(dim=1)
    return (maps - low.lerp(high, 0.7)[:, None, None]).clamp(min=0)
