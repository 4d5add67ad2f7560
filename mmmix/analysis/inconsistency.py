"""What a mixed image really shows of its two images."""
import torch
from torch import Tensor

from mmmix.errors import MmmixError
from mmmix.functional.labels import area_attention_lambda


def ground_truth_lambda(source_map: Tensor, source_mask: Tensor,
                        target_map: Tensor, target_mask: Tensor) -> Tensor:
    r"""Share of the source in what a mixed image shows (TdAttenMix, 5.5).

    .. math::
        \lambda_{gt} = \frac{g_A(\mathrm{pasted})}
        {g_A(\mathrm{pasted}) + g_B(\mathrm{still\ visible})}

    The maps g say where in an image its label is to be seen: gaze, the mask
    or the box of the object. They are taken as they are; see
    :func:`unit_mass`. Of a blend, whose mask is lambda at every place, each
    place counts by its weight; with maps of equal mass lambda_gt is then
    lambda by construction.

    Args:
        source_map (Tensor): Map of each image's *source* ``(N, h, w)``,
            non-negative.
        source_mask (Tensor): Where the pasted region was taken from, in the
            source's own image, as a share of each cell ``(N, h, w)``: of a
            :class:`~mmmix.structures.MixedBatch`, ``source_mask(grid)``.
        target_map (Tensor): Map of each target ``(N, h, w)``.
        target_mask (Tensor): Where the target was replaced ``(N, h, w)``:
            ``mask_on(grid)``.

    Returns:
        Tensor: ``(N,)`` in [0, 1]; NaN where nothing of either is to be seen.

    Raises:
        ValueError: If a map and its mask lie on different grids.
    """
    for what, values, mask in (('source', source_map, source_mask),
                               ('target', target_map, target_mask)):
        if values.ndim != 3 or values.shape != mask.shape:
            raise MmmixError(
                f'`{what}_map` and `{what}_mask` must lie on the same grid '
                f'(N, h, w), but have shapes {tuple(values.shape)} and '
                f'{tuple(mask.shape)}.')
    return area_attention_lambda(source_map, source_mask, target_map,
                                 1 - target_mask)


def unit_mass(maps: Tensor) -> Tensor:
    """Each map divided by its sum, so that small objects and images that were
    looked at for a shorter time count as much as others.

    Args:
        maps (Tensor): ``(N, h, w)``, non-negative.

    Returns:
        Tensor: ``(N, h, w)``; a map of zeros stays one.
    """
    total = maps.sum((1, 2), keepdim=True)
    return maps / torch.where(total > 0, total, 1)


def label_inconsistency(lam_gt: Tensor, lam: Tensor) -> Tensor:
    r"""Distance of a mixed label from what is to be seen,
    :math:`|\lambda_{gt} - \lambda|` (TdAttenMix, Eq. 21).

    Args:
        lam_gt (Tensor): See :func:`ground_truth_lambda`, ``(N,)``.
        lam (Tensor): Weight of the source's label ``(N,)``.

    Returns:
        Tensor: ``(N,)`` in [0, 1]; NaN where ``lam_gt`` is.
    """
    return (lam_gt - lam).abs()
