from typing import Optional, Sequence

import numpy as np
from torch import Tensor

from mmmix.functional import (area_lambda, box_masks, boxes_at_maximum,
                              paste_boxes)
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance, MixedBatch
from .base import BatchMixer, Params, check_alpha, pair, to_device


@BATCH_AUGMENTS.register_module()
class SaliencyMix(BatchMixer):
    r"""A box around the most salient place of the source, pasted in place.

    `SaliencyMix: A Saliency Guided Data Augmentation Strategy for Better
    Regularization <https://arxiv.org/abs/2006.01791>`_. The maximum of the
    source's map is the centre of the box, whose sides are
    :math:`\lfloor \sqrt t H \rfloor` and :math:`\lfloor \sqrt t W \rfloor`,
    rounded down to even numbers; it is clipped at the borders and pasted at
    the same place. Its share t is random, the label weight is its true area.
    A random partner for each image.

    The paper's map is computed from the pixels alone::

        guide=dict(attention=dict(type='mmmix.ImageGuide'))

    Any other guide works too.

    The public code, and OpenMixup, take one box for the batch
    (``per_image=False``), and give their detector a normalised image whose
    memory it reads as 8-bit pixels. The maximum of what it finds is as far
    from the true one as a random place is, so that in effect they are
    :class:`CutMix` with this ``alpha``.

    Args:
        alpha (float): Positive; t is from Beta(alpha, alpha). Defaults to 1,
            uniform, the paper's.
        per_image (bool): Draw a share, and place a box, for each image.
            Otherwise one share for the batch, and all boxes are where the map
            of the first image's source has its maximum. Defaults to True, the
            paper's.

    Raises:
        MmmixError: If ``alpha`` is not positive; in :meth:`mix`, if there is
            no attention map.

    >>> import torch
    >>> inputs, labels = torch.rand(2, 3, 32, 32), torch.eye(2)
    >>> attention = torch.zeros(2, 4, 4)
    >>> attention[:, 0, 1] = 1.  # pixels 8 to 15 of the first rows
    >>> params = dict(source=np.array([1, 0]), half=np.array([[8, 8]]))
    >>> mixed = SaliencyMix().mix(inputs, labels, params, Guidance(attention))
    >>> mixed.target_boxes[0], mixed.lam[0]
    (tensor([ 0,  4, 12, 20]), tensor(0.1875))
    """

    requires = frozenset({'attention'})

    def __init__(self, alpha: float = 1.0, per_image: bool = True):
        self.alpha = check_alpha(alpha)
        self.per_image = per_image

    def sample(self, rng: np.random.Generator, batch_size: int,
               image_size: Sequence[int]) -> Params:
        source = pair(rng, batch_size, 'shuffle')
        share = rng.beta(self.alpha, self.alpha,
                         batch_size if self.per_image else 1)
        sides = np.sqrt(share)[:, None] * image_size
        return dict(source=source, half=sides.astype(np.int64) // 2)

    def mix(self,
            inputs: Tensor,
            labels: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        source = to_device(params['source'], inputs)
        half = to_device(params['half'], inputs)
        attention = self.required(guidance, 'attention')
        placed_by = source if self.per_image else source[:1]
        boxes = boxes_at_maximum(attention[placed_by], half,
                                 inputs.shape[-2:]).expand(len(source), -1)
        mask = box_masks(boxes, inputs.shape[-2:])
        return MixedBatch(
            inputs=paste_boxes(inputs, source, boxes, boxes),
            labels=labels,
            source=source,
            lam=area_lambda(mask),
            mask=mask,
            kind=self.kind,
            source_boxes=boxes,
            target_boxes=boxes,
            mixer='SaliencyMix')
