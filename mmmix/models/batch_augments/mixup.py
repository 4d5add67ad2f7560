from typing import Optional, Sequence

import numpy as np
from torch import Tensor

from mmmix.functional import blend_images
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance, MixedBatch
from .base import (BatchMixer, Params, check_alpha, for_each_image, pair,
                   to_device)


@BATCH_AUGMENTS.register_module()
class Mixup(BatchMixer):
    """A weighted mean of source and target.

    `mixup: Beyond Empirical Risk Minimization
    <https://arxiv.org/abs/1710.09412>`_. One lambda for the batch, drawn from
    Beta(alpha, alpha); a random partner for each image. There are no regions,
    so no fine-grained loss applies.

    Args:
        alpha (float): Positive parameter of the Beta distribution. Defaults
            to 1.
        per_image (bool): Draw a lambda for each image, as timm does with
            ``mode='elem'``. Defaults to False, one for the batch.

    Raises:
        MmmixError: If ``alpha`` is not positive.

    >>> import torch
    >>> inputs, labels = torch.rand(2, 3, 8, 8), torch.eye(2)
    >>> params = dict(source=np.array([1, 0]), lam=np.float32(0.25))
    >>> Mixup(alpha=0.8).mix(inputs, labels, params).mixed_labels()
    tensor([[0.7500, 0.2500],
            [0.2500, 0.7500]])
    """

    kind = 'blend'

    def __init__(self, alpha: float = 1.0, per_image: bool = False):
        self.alpha = check_alpha(alpha)
        self.per_image = per_image

    def sample(self, rng: np.random.Generator, batch_size: int,
               image_size: Sequence[int]) -> Params:
        return dict(
            source=pair(rng, batch_size, 'shuffle'),
            lam=np.float32(
                rng.beta(self.alpha, self.alpha,
                         batch_size if self.per_image else None)))

    def mix(self,
            inputs: Tensor,
            labels: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        source = to_device(params['source'], inputs)
        lam = for_each_image(params['lam'], inputs)
        return MixedBatch(
            inputs=blend_images(inputs, source, lam),
            labels=labels,
            source=source,
            lam=lam,
            mask=lam.view(-1, 1, 1),
            kind=self.kind,
            mixer='Mixup')
