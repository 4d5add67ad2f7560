from typing import List, Optional

import numpy as np
from mmpretrain.models.utils.batch_augments import CutMix as _CutMix

from mmmix.errors import MmmixError
from mmmix.functional import box_masks, paste_shared_box
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import MixedBatch

from .base import BatchMixer, check_alpha, global_numpy_rng, pair, to_device


@BATCH_AUGMENTS.register_module()
class CutMix(BatchMixer, _CutMix):
    """MMPretrain's CutMix that also answers a :class:`MixedBatch`.

    `CutMix: Regularization Strategy to Train Strong Classifiers with
    Localizable Features <https://arxiv.org/abs/1905.04899>`_. One box for the
    batch, drawn by MMPretrain's code; a random partner for each image.

    Args:
        alpha (float): Positive parameter of the Beta distribution.
        cutmix_minmax (List[float], optional): Smallest and largest side ratio
            of the box; if given, ``alpha`` is not used.
        correct_lam (bool): Whether lambda is the area of the box after it was
            clipped at the border. Defaults to True.
    """

    def __init__(self,
                 alpha: float,
                 cutmix_minmax: Optional[List[float]] = None,
                 correct_lam: bool = True):
        check_minmax(cutmix_minmax)
        super().__init__(check_alpha(alpha), cutmix_minmax, correct_lam)

    def draw_lam(self) -> float:
        """Weight of the *target*, from numpy's global state."""
        return np.random.beta(self.alpha, self.alpha)

    def sample(self, rng, batch_size, image_size):
        source = pair(rng, batch_size, 'shuffle')
        with global_numpy_rng(rng):
            (y1, y2, x1, x2), lam = self.cutmix_bbox_and_lam(
                tuple(image_size), self.draw_lam())
        return dict(
            source=source,
            box=np.array([y1, x1, y2, x2]),
            lam=np.float32(1 - lam))

    def paste(self, inputs, source, box):
        """The batch with the box of each source pasted in."""
        return paste_shared_box(inputs, source, box)

    def source_boxes(self, boxes, image_size):
        """Where the pasted pixels came from; boxes ``(N, 4)``."""
        return boxes

    def mix(self, inputs, scores, params, guidance=None):
        source = to_device(params['source'], inputs)
        box = to_device(params['box'], inputs)[None]
        boxes = box.expand(len(source), -1)
        image_size = inputs.shape[-2:]
        lam = inputs.new_full((len(source), ), float(params['lam'])).float()
        return MixedBatch(
            inputs=self.paste(inputs, source, params['box'].tolist()),
            scores=scores,
            source=source,
            lam=lam,
            mask=box_masks(box, image_size).expand(len(source), -1, -1),
            regions=True,
            source_boxes=self.source_boxes(boxes, image_size),
            target_boxes=boxes,
            mixer=type(self).__name__)


def check_minmax(minmax: Optional[List[float]]) -> None:
    if minmax is not None and not (len(minmax) == 2
                                   and 0 <= minmax[0] < minmax[1] <= 1):
        raise MmmixError('`cutmix_minmax` must be two side ratios '
                         f'0 <= min < max <= 1, not {minmax!r}.')
