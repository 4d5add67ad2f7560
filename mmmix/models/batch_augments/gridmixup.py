import math
from typing import Optional, Sequence, Union

import numpy as np
from torch import Tensor

from mmmix.errors import MmmixError
from mmmix.functional import area_lambda, lattice_masks, paste_masked
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance, MixedBatch
from .base import (BatchMixer, Params, check_alpha, pair, positive_range,
                   to_device)
from .random_box import check_range


@BATCH_AUGMENTS.register_module()
class GridMixup(BatchMixer):
    r"""A lattice of holes in which the source can be seen.

    `GridMixup <https://github.com/IlyaDobrynin/GridMixup>`_ by Ilya Dobrynin,
    inspired by GridMask and CutMix; there is no paper. It is OpenMixup's
    "GridMix", which is not the GridMix of Baek, Bang and Shim.

    A part of the image, of random size and place, is divided into square
    cells of :math:`c = \lceil w / n \rceil` pixels, where w is its width and n
    a random number of columns. In the upper left corner of each cell a hole
    of :math:`\lfloor c \sqrt{t} \rfloor` pixels, at least 1 and less than a
    cell, shows the source, where t is a random share. Lambda is the true area
    of the holes. One lattice for the batch; a random partner for each image.

    Where that part is larger than the image, it is cut off at the borders. In
    the public code and OpenMixup, its holes above and to the left of the image
    appear at the other end: ``wrap_around=True``.

    The defaults are the example of the public code's README, but for the
    share; without arguments the public code has ``columns=20, crop_area=1.,
    crop_ratio=1.``. OpenMixup draws the share by ``alpha=0.2``, and in
    rectangular images mixes up height and width.

    Args:
        alpha (float, optional): Positive; t is from Beta(alpha, alpha).
            Defaults to None, uniform over ``hole_area``.
        hole_area (Sequence[float]): Range in [0, 1] of the share t of a cell
            that is its hole. Defaults to (0.1, 0.9), the public code's.
        columns (int | Sequence[int]): Number n of columns, fixed or uniform
            from the lowest to the highest, at least 1. There are never more
            than one for two pixels of the part's width. Defaults to (2, 6).
        hole_ratio (float | Sequence[float]): Height over width of cells and
            holes, fixed or uniform; positive. A cell is at least two pixels
            high. Defaults to 1.
        crop_area (float | Sequence[float]): Area of the part with the lattice
            over that of the image, fixed or uniform; in (0, 1]. Defaults to
            (0.5, 1).
        crop_ratio (float | Sequence[float]): Height over width of that part
            in pixels, fixed or uniform; positive. Defaults to (0.5, 2).
        wrap_around (bool): See above. Defaults to False.

    Raises:
        MmmixError: If a number is out of range; in :meth:`sample`, if the
            image is too small for the fewest columns.

    >>> import torch
    >>> inputs, labels = torch.rand(4, 3, 32, 48), torch.eye(4)
    >>> params = GridMixup().sample(np.random.default_rng(0), 4, (32, 48))
    >>> mixed = GridMixup().mix(inputs, labels, params)
    >>> torch.equal(mixed.lam, mixed.mask.mean((1, 2)))
    True
    """

    def __init__(self,
                 alpha: Optional[float] = None,
                 hole_area: Sequence[float] = (0.1, 0.9),
                 columns: Union[int, Sequence[int]] = (2, 6),
                 hole_ratio: Union[float, Sequence[float]] = 1.0,
                 crop_area: Union[float, Sequence[float]] = (0.5, 1.0),
                 crop_ratio: Union[float, Sequence[float]] = (0.5, 2.0),
                 wrap_around: bool = False):
        self.alpha = None if alpha is None else check_alpha(alpha)
        self.hole_area = check_range('hole_area', hole_area)
        self.columns = positive_range('columns', columns)
        self.hole_ratio = positive_range('hole_ratio', hole_ratio)
        self.crop_area = positive_range('crop_area', crop_area, 1)
        self.crop_ratio = positive_range('crop_ratio', crop_ratio)
        self.wrap_around = wrap_around

    def sample(self, rng: np.random.Generator, batch_size: int,
               image_size: Sequence[int]) -> Params:
        source = pair(rng, batch_size, 'shuffle')
        share = rng.uniform(*self.hole_area) if self.alpha is None \
            else rng.beta(self.alpha, self.alpha)
        widest = crop_size(image_size, self.crop_area[1], self.crop_ratio[0])
        if widest[1] < 2 * self.columns[0]:
            raise MmmixError(
                f'`columns` {self.columns!r} of two pixels or more do not fit '
                'into any part of images of {} x {} pixels: choose fewer '
                'columns, or a larger `crop_area`.'.format(*image_size))
        height, width = crop_size(image_size, rng.uniform(*self.crop_area),
                                  rng.uniform(*self.crop_ratio))
        columns = rng.integers(*self.columns, endpoint=True)
        cell = math.ceil(width / max(min(columns, width // 2), 1))
        cells = (max(int(cell * rng.uniform(*self.hole_ratio)), 2), cell)
        # Python and C round towards zero
        y1, x1 = (int((size - side) * rng.random())
                  for size, side in zip(image_size, (height, width)))
        return dict(
            source=source,
            box=np.array([y1, x1, y1 + height, x1 + width]),
            cell=np.array(cells),
            hole=np.array([
                min(max(int(side * math.sqrt(share)), 1), side - 1)
                for side in cells
            ]))

    def mix(self,
            inputs: Tensor,
            labels: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        n = inputs.size(0)
        source = to_device(params['source'], inputs)
        box, cell, hole = (
            params[name].tolist() for name in ('box', 'cell', 'hole'))
        mask = lattice_masks(box, cell, hole, inputs.shape[-2:],
                             self.wrap_around, inputs.device)[None]
        return MixedBatch(
            inputs=paste_masked(inputs, source, mask.expand(n, -1, -1)),
            labels=labels,
            source=source,
            lam=area_lambda(mask.float()).expand(n),
            mask=mask.float().expand(n, -1, -1),
            kind=self.kind,
            mixer='GridMixup')


def crop_size(image_size: Sequence[int], area: float,
              ratio: float) -> Sequence[int]:
    """Height and width of a part of an image, from its share of the area and
    its height over its width; a side may be longer than the image's."""
    pixels = int(image_size[0] * image_size[1] * area)
    width = max(int(math.sqrt(pixels / ratio)), 1)
    return max(int(width * ratio), 1), width
