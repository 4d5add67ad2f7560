"""CutMix's random box, one for a whole batch."""
from typing import Any, Dict, Optional, Sequence

import numpy as np
import torch
from torch import Tensor

from mmmix.errors import MmmixError
from mmmix.functional import box_masks
from .base import Params, to_device


def random_box(rng: np.random.Generator,
               image_size: Sequence[int],
               area: float,
               minmax: Optional[Sequence[float]] = None) -> np.ndarray:
    r"""Draw a box as MMPretrain's and timm's CutMix do.

    A box has the sides :math:`\lfloor H \sqrt{a} \rfloor` and
    :math:`\lfloor W \sqrt{a} \rfloor` for an area share a (CutMix, Eq. 2), a
    centre uniform over the pixels, and is clipped at the borders.

    Args:
        rng (np.random.Generator): The only source of randomness.
        image_size (Sequence[int]): Height and width of the images.
        area (float): Share of the image before clipping, in [0, 1].
        minmax (Sequence[float], optional): Smallest and largest side ratio;
            if given, both sides are uniform between them, ``area`` is not
            used, and the box lies inside the image.

    Returns:
        np.ndarray: ``(y1, x1, y2, x2)`` in pixels, half open, int64.
    """
    size = np.asarray(image_size)
    if minmax is None:
        sides = (size * np.sqrt(area)).astype(np.int64)
        centre = rng.integers(0, size)
        corners = [centre - sides // 2, centre + sides // 2]
        return np.concatenate(np.clip(corners, 0, size))
    low, high = (np.int64(size * ratio) for ratio in minmax)
    sides = rng.integers(low, np.maximum(high, low + 1))
    corner = rng.integers(0, np.maximum(size - sides, 1))
    return np.concatenate([corner, corner + sides])


def box_and_lam(rng: np.random.Generator, image_size: Sequence[int],
                area: float, minmax: Optional[Sequence[float]],
                correct_lam: bool) -> Params:
    """Draw a box, and set lambda.

    Args:
        rng, image_size, area, minmax: As in :func:`random_box`.
        correct_lam (bool): Whether lambda is the area of the box after it was
            clipped at the border, as it always is with ``minmax``, or
            ``area``.

    Returns:
        dict: ``box`` and ``lam``, the weight of the source's label.
    """
    box = random_box(rng, image_size, area, minmax)
    if correct_lam or minmax is not None:
        y1, x1, y2, x2 = box.tolist()
        area = (y2 - y1) * (x2 - x1) / (image_size[0] * image_size[1])
    return dict(box=box, lam=np.float32(area))


def box_fields(params: Params, inputs: Tensor) -> Dict[str, Any]:
    """Fields of a :class:`~mmmix.structures.MixedBatch` whose images share
    one box.

    Args:
        params (dict): ``source`` ``(N,)``, ``box`` and ``lam``, the weight of
            the source's label.
        inputs (Tensor): Images ``(N, C, H, W)``.

    Returns:
        dict[str, Tensor]: ``source``, ``lam``, ``mask`` and ``target_boxes``.
    """
    n = inputs.size(0)
    box = to_device(params['box'], inputs)[None]
    return dict(
        source=to_device(params['source'], inputs),
        lam=torch.full((n, ), float(params['lam']), device=inputs.device),
        mask=box_masks(box, inputs.shape[-2:]).expand(n, -1, -1),
        target_boxes=box.expand(n, -1))


def check_minmax(minmax: Optional[Sequence[float]]) -> None:
    """Raise a MmmixError unless given two side ratios or None."""
    if minmax is not None and not (len(minmax) == 2
                                   and 0 <= minmax[0] < minmax[1] <= 1):
        raise MmmixError('`cutmix_minmax` must be two side ratios '
                         f'0 <= min < max <= 1, not {minmax!r}.')
