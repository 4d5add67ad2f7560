from typing import Optional, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmmix.errors import MmmixError, check_name
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance, MixedBatch
from .base import BatchMixer, Params, check_alpha, pair
from .random_box import box_and_lam, box_fields, check_minmax

INTERPOLATIONS = ('nearest', 'bilinear', 'bicubic', 'area')


@BATCH_AUGMENTS.register_module()
class ResizeMix(BatchMixer):
    r"""The whole source image, shrunk into a random box.

    `ResizeMix: Mixing Data with Preserved Object Information and True Labels
    <https://arxiv.org/abs/2012.11101>`_, with MMPretrain's distribution of
    the box: one for the batch, whose area share is

    .. math::
        1 - (t (\lambda_{max} - \lambda_{min}) + \lambda_{min}), \quad
        t \sim Beta(\alpha, \alpha)

    before it is clipped at the borders, as in :class:`CutMix`.

    Args:
        alpha (float): Positive parameter of the Beta distribution. Defaults
            to 1.
        lam_min, lam_max (float): Range of the *target's* weight. Default to
            0.1 and 0.8.
        interpolation (str): How the source is shrunk: 'nearest', 'bilinear',
            'bicubic' or 'area'. Defaults to 'bilinear'.
        cutmix_minmax, correct_lam: As in :class:`CutMix`.

    Raises:
        MmmixError: If a number is out of range, or the interpolation unknown.

    >>> inputs, labels = torch.rand(4, 3, 32, 32), torch.eye(4)
    >>> params = ResizeMix().sample(np.random.default_rng(0), 4, (32, 32))
    >>> ResizeMix().mix(inputs, labels, params).source_boxes[0]
    tensor([ 0,  0, 32, 32])
    """

    def __init__(self,
                 alpha: float = 1.0,
                 lam_min: float = 0.1,
                 lam_max: float = 0.8,
                 interpolation: str = 'bilinear',
                 cutmix_minmax: Optional[Sequence[float]] = None,
                 correct_lam: bool = True):
        if not 0 <= lam_min <= lam_max <= 1:
            raise MmmixError('`lam_min` and `lam_max` must satisfy 0 <= '
                             f'lam_min <= lam_max <= 1, not {lam_min!r} and '
                             f'{lam_max!r}.')
        check_name('interpolation', interpolation, INTERPOLATIONS)
        check_minmax(cutmix_minmax)
        self.alpha = check_alpha(alpha)
        self.lam_min = lam_min
        self.lam_max = lam_max
        self.interpolation = interpolation
        self.cutmix_minmax = cutmix_minmax
        self.correct_lam = correct_lam

    def sample(self, rng: np.random.Generator, batch_size: int,
               image_size: Sequence[int]) -> Params:
        source = pair(rng, batch_size, 'shuffle')
        kept = rng.beta(self.alpha, self.alpha)
        area = 1 - (kept * (self.lam_max - self.lam_min) + self.lam_min)
        return dict(
            box_and_lam(rng, image_size, area, self.cutmix_minmax,
                        self.correct_lam),
            source=source)

    def mix(self,
            inputs: Tensor,
            labels: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        fields = box_fields(params, inputs)
        whole = torch.zeros_like(fields['target_boxes'])
        whole[:, 2], whole[:, 3] = inputs.shape[-2:]
        return MixedBatch(
            inputs=self.paste(inputs, fields['source'],
                              params['box'].tolist()),
            labels=labels,
            kind=self.kind,
            source_boxes=whole,
            mixer='ResizeMix',
            **fields)

    def paste(self, inputs: Tensor, source: Tensor,
              box: Sequence[int]) -> Tensor:
        """The images with their shrunk sources in the box ``(y1, x1, y2,
        x2)``."""
        y1, x1, y2, x2 = box
        mixed = inputs.clone()
        if y1 < y2 and x1 < x2:
            smooth = self.interpolation in ('bilinear', 'bicubic')
            mixed[..., y1:y2, x1:x2] = F.interpolate(
                inputs[source],
                size=(y2 - y1, x2 - x1),
                mode=self.interpolation,
                align_corners=False if smooth else None)
        return mixed
