"""Labels of mixed images, and the weight lambda that mixes them."""
import torch
import torch.nn.functional as F
from torch import Tensor

from mmmix.errors import MmmixError


def mix_labels(labels: Tensor, source: Tensor, lam: Tensor) -> Tensor:
    r"""Mixed labels :math:`\lambda y_A + (1 - \lambda) y_B` (SMMix, Eq. 1).

    Args:
        labels (Tensor): One-hot or soft labels ``(N, num_classes)``.
        source (Tensor): ``(N,)`` int64, index of the image pasted in.
        lam (Tensor): ``(N,)`` weight of the source's label, in [0, 1].

    Returns:
        Tensor: ``(N, num_classes)``, float32 or wider.

    Raises:
        ValueError: If the lengths differ.
    """
    if labels.ndim != 2 or not labels.size(0) == source.size(0) == lam.size(0):
        raise MmmixError(
            '`labels` (N, num_classes), `source` (N,) and `lam` (N,) must '
            f'agree in N, but have shapes {tuple(labels.shape)}, '
            f'{tuple(source.shape)} and {tuple(lam.shape)}.')
    labels = labels.to(torch.promote_types(labels.dtype, torch.float32))
    return labels.lerp(labels[source], lam[:, None].to(labels.dtype))


def attention_lambda(attention: Tensor,
                     mask: Tensor,
                     normalize: bool = False) -> Tensor:
    r"""Attention on the pasted region, :math:`A \cdot \downarrow(M)`.

    TransMix; MixPro, Eq. 5.

    Args:
        attention (Tensor): Class attention of the mixed images ``(N, h, w)``,
            summing to at most 1.
        mask (Tensor): Weight of the source at each place ``(N, h, w)``.
        normalize (bool): Divide by the attention on all patches, as the
            authors' public code does; what the class token pays to itself
            then counts for neither image. Defaults to False, the paper's.

    Returns:
        Tensor: ``(N,)`` in [0, 1].

    Raises:
        ValueError: If the two lie on different grids.
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
        Tensor: ``(N,)`` in [0, 1]; NaN where no attention counts at all.
    """
    att_a = (source_attention * source_mask).sum((1, 2))
    att_b = (target_attention * target_mask).sum((1, 2))
    return att_a / (att_a + att_b)


def progressive_factor(probabilities: Tensor, labels: Tensor) -> Tensor:
    r"""How well the model fits a mixed image (MixPro, Eq. 8).

    .. math::
        \alpha = \frac{p \cdot \tilde y}{\|p\| \|\tilde y\|}

    Args:
        probabilities (Tensor): Softmax of the output ``(N, num_classes)``.
        labels (Tensor): Mixed labels ``(N, num_classes)``.

    Returns:
        Tensor: ``(N,)`` in [0, 1].
    """
    return F.cosine_similarity(probabilities, labels, dim=1).clamp(0, 1)
