from typing import Optional, Sequence, Tuple

import numpy as np
from torch import Tensor

from mmmix.errors import MmmixError
from mmmix.functional import paste_boxes, paste_shared_box
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance, MixedBatch
from .base import BatchMixer, Params, check_alpha, check_pairing, pair
from .random_box import area_share, box_fields, check_range, clipped_box


@BATCH_AUGMENTS.register_module()
class CutMix(BatchMixer):
    r"""A random box of the source, pasted at the same place.

    `CutMix: Regularization Strategy to Train Strong Classifiers with
    Localizable Features <https://arxiv.org/abs/1905.04899>`_. One box for the
    batch, whose area share is drawn from Beta(alpha, alpha), see
    :func:`~mmmix.models.batch_augments.random_box.clipped_box`; a random
    partner for each image. The box's distribution is that of MMPretrain's and
    timm's CutMix.

    Args:
        alpha (float): Positive parameter of the Beta distribution. Defaults
            to 1, the paper's.
        cutmix_minmax (Sequence[float], optional): Smallest and largest side
            of the box over that of the image, in [0, 1]. The box then lies
            inside the image, both sides are uniform between them, at least
            one pixel, and ``alpha`` is not used. (timm's and MMPretrain's
            never reach the lower and the right border.) Defaults to None.
        correct_lam (bool): Whether lambda is the area share of the box after
            clipping at the border, rather than the share that was drawn.
            Defaults to True.
        pairing (str): 'shuffle', 'flip' or 'distinct', see
            :func:`~mmmix.models.batch_augments.base.pair`. Defaults to
            'shuffle', as in the public code.
        per_image (bool): Draw a box for each image, as timm does with
            ``mode='elem'``. Defaults to False, one for the batch.

    Raises:
        MmmixError: If a number is out of range or the pairing unknown; in
            :meth:`sample`, if the largest side is less than a pixel.

    >>> import torch
    >>> inputs, labels = torch.rand(4, 3, 32, 32), torch.eye(4)
    >>> images, mixed_labels = CutMix(alpha=1.)(inputs, labels)
    >>> images.shape, mixed_labels.sum(1)
    (torch.Size([4, 3, 32, 32]), tensor([1., 1., 1., 1.]))
    """

    def __init__(self,
                 alpha: float = 1.0,
                 cutmix_minmax: Optional[Sequence[float]] = None,
                 correct_lam: bool = True,
                 pairing: str = 'shuffle',
                 per_image: bool = False):
        if cutmix_minmax is not None:
            check_range('cutmix_minmax', cutmix_minmax)
        self.alpha = check_alpha(alpha)
        self.cutmix_minmax = cutmix_minmax
        self.correct_lam = correct_lam
        self.pairing = check_pairing(pairing)
        self.per_image = per_image

    def sample(self, rng: np.random.Generator, batch_size: int,
               image_size: Sequence[int]) -> Params:
        source = pair(rng, batch_size, self.pairing)
        if not self.per_image:
            box, lam = self.box_and_share(rng, image_size)
            return dict(source=source, box=box, lam=lam)
        boxes, shares = zip(*(self.box_and_share(rng, image_size)
                              for _ in range(batch_size)))
        return dict(source=source, box=np.stack(boxes), lam=np.stack(shares))

    def box_and_share(
            self, rng: np.random.Generator,
            image_size: Sequence[int]) -> Tuple[np.ndarray, np.float32]:
        """A box ``(y1, x1, y2, x2)`` and the weight of the source's label."""
        area = rng.beta(self.alpha, self.alpha)
        if self.cutmix_minmax is None:
            box = clipped_box(rng, image_size, np.sqrt(area))
        else:
            box = self.inner_box(rng, image_size)
        if self.correct_lam or self.cutmix_minmax is not None:
            area = area_share(box, image_size)
        return box, np.float32(area)

    def inner_box(self, rng: np.random.Generator,
                  image_size: Sequence[int]) -> np.ndarray:
        """A box for ``cutmix_minmax``, ``(y1, x1, y2, x2)``."""
        size = np.asarray(image_size)
        low, high = (np.int64(size * ratio) for ratio in self.cutmix_minmax)
        if high.min() < 1:
            raise MmmixError(
                f'`cutmix_minmax` {self.cutmix_minmax!r} gives no box of a '
                'pixel on images of {} x {} pixels: choose larger '
                'boxes.'.format(*image_size))
        sides = rng.integers(np.maximum(low, 1), high, endpoint=True)
        corner = rng.integers(0, size - sides, endpoint=True)
        return np.concatenate([corner, corner + sides])

    def mix(self,
            inputs: Tensor,
            labels: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        fields = box_fields(params, inputs)
        source, boxes = fields['source'], fields['target_boxes']
        if np.ndim(params['box']) == 2:
            mixed = paste_boxes(inputs, source, boxes, boxes)
        else:
            mixed = paste_shared_box(inputs, source, params['box'].tolist())
        return MixedBatch(
            inputs=mixed,
            labels=labels,
            kind=self.kind,
            source_boxes=boxes,
            mixer='CutMix',
            **fields)
