import torch
import torch.nn.functional as F
from mmpretrain.models.utils.batch_augments import ResizeMix as _ResizeMix

from mmmix.errors import MmmixError
from mmmix.registry import BATCH_AUGMENTS

from .base import check_alpha
from .cutmix import CutMix, check_minmax

INTERPOLATIONS = ('nearest', 'bilinear', 'bicubic', 'area')


@BATCH_AUGMENTS.register_module()
class ResizeMix(CutMix, _ResizeMix):
    """MMPretrain's ResizeMix that also answers a :class:`MixedBatch`.

    `ResizeMix: Mixing Data with Preserved Object Information and True Labels
    <https://arxiv.org/abs/2012.11101>`_: the whole source image is shrunk into
    the box.

    Args:
        alpha (float): Positive parameter of the Beta distribution.
        lam_min, lam_max (float): Range that lambda is mapped to. Default to
            0.1 and 0.8.
        interpolation (str): How the source is shrunk. Defaults to 'bilinear'.
        cutmix_minmax, correct_lam: As in :class:`CutMix`.
    """

    def __init__(self,
                 alpha: float,
                 lam_min: float = 0.1,
                 lam_max: float = 0.8,
                 interpolation: str = 'bilinear',
                 cutmix_minmax=None,
                 correct_lam: bool = True):
        if not 0 <= lam_min <= lam_max <= 1:
            raise MmmixError('`lam_min` and `lam_max` must satisfy 0 <= '
                             f'lam_min <= lam_max <= 1, not {lam_min!r} and '
                             f'{lam_max!r}.')
        if interpolation not in INTERPOLATIONS:
            raise MmmixError('`interpolation` must be one of '
                             f'{INTERPOLATIONS}, not {interpolation!r}.')
        check_minmax(cutmix_minmax)
        _ResizeMix.__init__(self, check_alpha(alpha), lam_min, lam_max,
                            interpolation, cutmix_minmax, correct_lam)

    def draw_lam(self):
        return super().draw_lam() * (self.lam_max - self.lam_min) \
            + self.lam_min

    def paste(self, inputs, source, box):
        y1, x1, y2, x2 = box
        mixed = inputs.clone()
        if y1 < y2 and x1 < x2:
            mixed[..., y1:y2, x1:x2] = F.interpolate(
                inputs[source],
                size=(y2 - y1, x2 - x1),
                mode=self.interpolation,
                align_corners=None
                if self.interpolation in ('nearest', 'area') else False)
        return mixed

    def source_boxes(self, boxes, image_size):
        whole = torch.zeros_like(boxes)
        whole[:, 2], whole[:, 3] = image_size
        return whole
