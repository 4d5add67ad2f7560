"""Labels of mixed images."""
import torch
from torch import Tensor


def mix_scores(scores: Tensor, source: Tensor, lam: Tensor) -> Tensor:
    r"""Mixed labels :math:`\lambda y_A + (1 - \lambda) y_B` (SMMix, Eq. 1).

    Args:
        scores (Tensor): One-hot or soft labels ``(N, num_classes)``.
        source (Tensor): ``(N,)`` int64, index of the image pasted in.
        lam (Tensor): ``(N,)`` weight of the source's label, in [0, 1].

    Returns:
        Tensor: ``(N, num_classes)``, float32 or wider.

    Raises:
        ValueError: If the lengths differ.
    """
    if scores.ndim != 2 or not scores.size(0) == source.size(0) == lam.size(0):
        raise ValueError(
            '`scores` (N, num_classes), `source` (N,) and `lam` (N,) must '
            f'agree in N, but have shapes {tuple(scores.shape)}, '
            f'{tuple(source.shape)} and {tuple(lam.shape)}.')
    scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
    return scores.lerp(scores[source], lam[:, None].to(scores.dtype))
