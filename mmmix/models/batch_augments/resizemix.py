import math
from typing import Optional, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmmix.errors import MmmixError, check_name
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance, MixedBatch
from .base import BatchMixer, Params, check_alpha, pair
from .random_box import area_share, box_fields, check_range, clipped_box

INTERPOLATIONS = ('nearest', 'bilinear', 'bicubic', 'area')


@BATCH_AUGMENTS.register_module()
class ResizeMix(BatchMixer):
    r"""The whole source image, shrunk into a random box.

    `ResizeMix: Mixing Data with Preserved Object Information and True Labels
    <https://arxiv.org/abs/2012.11101>`_. One box for the batch, whose *side*
    is uniform between two shares of the image's; its centre is uniform over
    the pixels and it is clipped at the borders, as in :class:`CutMix`. The
    label weight is the true area. A random partner for each image.

    OpenMixup's is ``interpolation='nearest'``. MMPretrain takes the two
    numbers as the share of the image that stays the target's, so that its
    boxes are about twice as large: ``target_weight=(0.1, 0.8)``.

    Args:
        alpha (float): Positive; the side is ``low + t * (high - low)`` with t
            from Beta(alpha, alpha). Defaults to 1, uniform, the paper's.
        sides (Sequence[float]): Smallest and largest side of the box over
            that of the image, in [0, 1]. Defaults to (0.1, 0.8), the paper's.
        target_weight (Sequence[float], optional): Draw in this way the share
            w of the image that stays the target's, before clipping, so that
            the side is the square root of 1 - w; ``sides`` is not used then.
            Defaults to None.
        interpolation (str): How the source is shrunk: 'nearest', 'bilinear',
            'bicubic' or 'area'. Defaults to 'bilinear'.

    Raises:
        MmmixError: If a number is out of range, or the interpolation unknown;
            in :meth:`sample`, if the largest side is less than two pixels.

    >>> inputs, labels = torch.rand(4, 3, 32, 32), torch.eye(4)
    >>> params = ResizeMix().sample(np.random.default_rng(0), 4, (32, 32))
    >>> ResizeMix().mix(inputs, labels, params).source_boxes[0]
    tensor([ 0,  0, 32, 32])
    """

    in_place = False

    def __init__(self,
                 alpha: float = 1.0,
                 sides: Sequence[float] = (0.1, 0.8),
                 target_weight: Optional[Sequence[float]] = None,
                 interpolation: str = 'bilinear'):
        check_name('interpolation', interpolation, INTERPOLATIONS)
        self.by_weight = target_weight is not None
        self.range = check_range('target_weight', target_weight) \
            if self.by_weight else check_range('sides', sides)
        self.alpha = check_alpha(alpha)
        self.interpolation = interpolation

    def sample(self, rng: np.random.Generator, batch_size: int,
               image_size: Sequence[int]) -> Params:
        source = pair(rng, batch_size, 'shuffle')
        if max(map(self.side, self.range)) * min(image_size) < 2:
            name = 'target_weight' if self.by_weight else 'sides'
            raise MmmixError(
                f'`{name}` {self.range!r} gives no box of two pixels a side '
                'on images of {} x {} pixels: choose larger boxes.'.format(
                    *image_size))
        low, high = self.range
        drawn = low + rng.beta(self.alpha, self.alpha) * (high - low)
        box = clipped_box(rng, image_size, self.side(drawn))
        return dict(
            source=source,
            box=box,
            lam=np.float32(area_share(box, image_size)))

    def side(self, drawn: float) -> float:
        """Side of the box over that of the image."""
        return math.sqrt(1 - drawn) if self.by_weight else drawn

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
        if y1 == y2 or x1 == x2:
            return mixed
        smooth = self.interpolation in ('bilinear', 'bicubic')

        def shrunk(images):
            return F.interpolate(
                images,
                size=(y2 - y1, x2 - x1),
                mode=self.interpolation,
                align_corners=False if smooth else None)

        if inputs.device.type != 'cpu':
            mixed[..., y1:y2, x1:x2] = shrunk(inputs[source])
            return mixed
        # one image at a time, which avoids a copy of all the sources
        for i, j in enumerate(source.tolist()):
            mixed[i, :, y1:y2, x1:x2] = shrunk(inputs[j:j + 1])[0]
        return mixed
