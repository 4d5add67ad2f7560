"""Labels of mixed images, and the weight lambda with which they are mixed."""
from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor

from mmmix.errors import MmmixError


def blend(values: Tensor,
          source: Tensor,
          lam: Tensor,
          own: Optional[Tensor] = None) -> Tensor:
    r"""What mixed images have of the images that they are made of.

    .. math::
        w v_i + \sum_s \lambda_{is} v_{source_{is}}, \quad
        w = 1 - \sum_s \lambda_{is}

    With labels and one source these are mixed labels :math:`\lambda y_A + (1 -
    \lambda) y_B` (SMMix, Eq. 1).

    Args:
        values (Tensor): One row for each image ``(N, K)``, such as one-hot or
            soft labels.
        source (Tensor): ``(N,)`` or ``(N, S)`` int64, indices of the images
            that are mixed in.
        lam (Tensor): Their weights, of the shape of ``source``.
        own (Tensor, optional): ``(N,)``, the weight w of an image's own row.
            Defaults to None, what the sources leave.

    Returns:
        Tensor: ``(N, K)``, float32 or wider.

    Raises:
        MmmixError: If shapes do not match.

    >>> blend(torch.eye(2), torch.tensor([1, 0]), torch.tensor([0.25, 0.]))
    tensor([[0.7500, 0.2500],
            [0.0000, 1.0000]])
    """
    if values.ndim != 2 or lam.ndim not in (1, 2) \
            or source.shape != lam.shape or len(values) != len(source):
        raise MmmixError(
            'Values (N, K), `source` and `lam` (N,) or (N, S) must agree, but '
            f'have shapes {tuple(values.shape)}, {tuple(source.shape)} and '
            f'{tuple(lam.shape)}.')
    values = values.to(torch.promote_types(values.dtype, torch.float32))
    lam = lam.to(values.dtype)
    if lam.ndim == 1 and own is None:
        return values.lerp(values[source], lam[:, None])
    lam, source = (t.view(len(t), -1) for t in (lam, source))
    own = 1 - lam.sum(1) if own is None else own.to(values.dtype)
    mixed = torch.einsum('ns,nsk->nk', lam, values[source])
    return mixed + own[:, None] * values


def attention_lambda(attention: Tensor,
                     mask: Tensor,
                     normalize: bool = False) -> Tensor:
    r"""Attention on the pasted region, :math:`A \cdot \downarrow(M)`.

    As in TransMix, and MixPro, Eq. 5.

    Args:
        attention (Tensor): Class attention of the mixed images ``(N, h, w)``,
            summing to at most 1.
        mask (Tensor): Weight of the source in each cell ``(N, h, w)``.
        normalize (bool): Divide by the total attention on the patches, as
            the authors' public code does; the attention of the class token to
            itself then counts for neither image. Defaults to False, as in
            the paper.

    Returns:
        Tensor: ``(N,)`` in [0, 1].

    Raises:
        MmmixError: If ``attention`` and ``mask`` are on different grids.

    >>> attention = torch.tensor([[[0.5, 0.3]]])
    >>> attention_lambda(attention, torch.tensor([[[1., 0.]]]))
    tensor([0.5000])
    """
    if attention.shape != mask.shape:
        raise MmmixError('`attention` and `mask` must lie on the same grid, '
                         f'but have shapes {tuple(attention.shape)} and '
                         f'{tuple(mask.shape)}.')
    lam = (attention * mask).sum((1, 2))
    if normalize:
        lam = lam / attention.sum((1, 2)).clamp(min=1e-12)
    return lam.clamp(0, 1)


def area_attention_lambda(source_attention: Tensor, source_mask: Tensor,
                          target_attention: Tensor,
                          target_mask: Tensor) -> Tensor:
    r"""Share of the source in the attention (TdAttenMix, Eq. 11-13).

    .. math::
        \lambda_a = \frac{Att_A}{Att_A + Att_B}, \quad
        Att_A = \sum m_A \alpha_A, \quad Att_B = \sum m_B \alpha_B

    Args:
        source_attention (Tensor): Map of each image's source ``(N, h, w)``.
        source_mask (Tensor): Where the pasted region was taken from, as a
            share of each cell ``(N, h, w)``.
        target_attention (Tensor): Map of each target ``(N, h, w)``.
        target_mask (Tensor): Which cells of the target count ``(N, h, w)``.

    Returns:
        Tensor: ``(N,)`` in [0, 1]; NaN where both sums are zero.

    >>> attention = torch.tensor([[[0.6, 0.2]]])
    >>> source, target = torch.tensor([[[1., 0.]]]), torch.tensor([[[0., 1.]]])
    >>> area_attention_lambda(attention, source, attention, target)
    tensor([0.7500])
    """
    att_a = (source_attention * source_mask).sum((1, 2))
    att_b = (target_attention * target_mask).sum((1, 2))
    return att_a / (att_a + att_b)


def progressive_factor(probabilities: Tensor, labels: Tensor) -> Tensor:
    r"""How well a prediction agrees with the mixed label (MixPro, Eq. 8).

    .. math::
        \alpha = \frac{p \cdot \tilde y}{\|p\| \|\tilde y\|}

    Args:
        probabilities (Tensor): Softmax of the output ``(N, num_classes)``.
        labels (Tensor): Mixed labels ``(N, num_classes)``.

    Returns:
        Tensor: ``(N,)`` in [0, 1].

    >>> progressive_factor(torch.tensor([[1., 0.]]), torch.tensor([[.6, .8]]))
    tensor([0.6000])
    """
    return F.cosine_similarity(probabilities, labels, dim=1).clamp(0, 1)
