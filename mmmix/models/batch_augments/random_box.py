"""Random boxes, one for a whole batch or one for each image."""
from typing import Any, Dict, Sequence

import numpy as np
from torch import Tensor

from mmmix.errors import MmmixError
from mmmix.functional import box_masks
from .base import Params, for_each_image, to_device


def clipped_box(rng: np.random.Generator, image_size: Sequence[int],
                ratio: float) -> np.ndarray:
    r"""Draw a box of given sides, clipped at the borders (CutMix, Eq. 2).

    Its sides are :math:`\lfloor r H \rfloor` and :math:`\lfloor r W \rfloor`,
    each rounded down to an even number, and its centre is uniform over the
    pixels: as in the public code of CutMix, in timm, MMPretrain and
    OpenMixup.

    Args:
        rng (np.random.Generator): The only source of randomness.
        image_size (Sequence[int]): Height and width of the images.
        ratio (float): Sides of the box over those of the image, in [0, 1].

    Returns:
        np.ndarray: ``(y1, x1, y2, x2)`` in pixels, half open, int64.
    """
    size = np.asarray(image_size)
    half = (size * ratio).astype(np.int64) // 2
    centre = rng.integers(0, size)
    return np.concatenate(np.clip([centre - half, centre + half], 0, size))


def area_share(box: np.ndarray, image_size: Sequence[int]) -> float:
    """Share of the image that a box covers."""
    y1, x1, y2, x2 = box.tolist()
    return (y2 - y1) * (x2 - x1) / (image_size[0] * image_size[1])


def box_fields(params: Params, inputs: Tensor) -> Dict[str, Any]:
    """Fields of a :class:`~mmmix.structures.MixedBatch` whose images share
    one box, or have one each.

    Args:
        params (dict): ``source`` ``(N,)``, ``box`` ``(4,)`` or ``(N, 4)``, and
            ``lam``, one number or ``(N,)``: the weight of the source's label.
        inputs (Tensor): Images ``(N, C, H, W)``.

    Returns:
        dict[str, Tensor]: ``source``, ``lam``, ``mask`` and ``target_boxes``.
    """
    n = inputs.size(0)
    box = to_device(np.atleast_2d(params['box']), inputs)
    return dict(
        source=to_device(params['source'], inputs),
        lam=for_each_image(params['lam'], inputs),
        mask=box_masks(box, inputs.shape[-2:]).expand(n, -1, -1),
        target_boxes=box.expand(n, -1))


def check_range(name: str, given: Sequence[float]) -> Sequence[float]:
    """Return two numbers in [0, 1], the first not above the second, or raise
    a MmmixError."""
    if not (np.shape(given) == (2, ) and 0 <= given[0] <= given[1] <= 1):
        raise MmmixError(f'`{name}` must be two numbers 0 <= low <= high <= '
                         f'1, not {given!r}.')
    return given
