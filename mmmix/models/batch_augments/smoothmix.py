from typing import Optional, Sequence, Union

import numpy as np
from torch import Tensor

from mmmix.errors import check_name
from mmmix.functional import area_lambda, gaussian_masks, paste_soft
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance, MixedBatch
from .base import BatchMixer, Params, pair, positive_range, to_device


@BATCH_AUGMENTS.register_module()
class SmoothMix(BatchMixer):
    r"""A region without an edge: a Gaussian weighs source and target.

    SmoothMix: a Simple Yet Effective Data Augmentation to Train Robust
    Classifiers (CVPR Workshops, 2020):

    .. math::
        \tilde x = G x_A + (1 - G) x_B, \quad
        \lambda = \frac{1}{H W} \sum_{ij} G_{ij}

    The centre of the mask G is uniform over the pixels. One mask for the
    batch; a random partner for each image.

    The article could not be read: its range of sigma is taken from OpenMixup,
    and of its two shapes, circle and square, the formula of the square is
    ours, see :func:`~mmmix.functional.gaussian_masks`.

    OpenMixup's is ``swapped_label=True``; it has no square, and a parameter
    ``alpha`` without effect.

    Args:
        shape (str): 'circle' or 'square', what the places of one weight form.
            Defaults to 'circle'.
        sigma (float | Sequence[float]): Width of the Gaussian over the shorter
            side of the image, fixed or uniform over ``(low, high)``; positive.
            Defaults to (0.25, 0.5).
        peak (str): Which image the mask weighs, so that it is seen at its
            centre alone: 'source' or 'target'. Defaults to 'source'.
        per_image (bool): Draw a mask for each image. Defaults to False.
        swapped_label (bool): Exchange the weights of the two labels, the slip
            of OpenMixup. Defaults to False.

    Raises:
        MmmixError: If ``sigma`` is not positive or a name unknown.

    >>> import torch
    >>> inputs, labels = torch.rand(4, 3, 32, 48), torch.eye(4)
    >>> params = SmoothMix().sample(np.random.default_rng(0), 4, (32, 48))
    >>> mixed = SmoothMix().mix(inputs, labels, params)
    >>> mixed.kind, torch.equal(mixed.lam, mixed.mask.mean((1, 2)))
    ('soft', True)
    """

    kind = 'soft'

    def __init__(self,
                 shape: str = 'circle',
                 sigma: Union[float, Sequence[float]] = (0.25, 0.5),
                 peak: str = 'source',
                 per_image: bool = False,
                 swapped_label: bool = False):
        check_name('shape', shape, ('circle', 'square'))
        check_name('peak', peak, ('source', 'target'))
        self.shape = shape
        self.sigma = positive_range('sigma', sigma)
        self.peak = peak
        self.per_image = per_image
        self.swapped_label = swapped_label

    def sample(self, rng: np.random.Generator, batch_size: int,
               image_size: Sequence[int]) -> Params:
        masks = batch_size if self.per_image else 1
        source = pair(rng, batch_size, 'shuffle')
        sigma = min(image_size) * rng.uniform(*self.sigma, masks)
        return dict(
            source=source,
            sigma=sigma.astype(np.float32),
            centre=rng.integers(0, image_size, (masks, 2)))

    def mix(self,
            inputs: Tensor,
            labels: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        n, _, *image_size = inputs.shape
        source, centre, sigma = (
            to_device(params[name], inputs)
            for name in ('source', 'centre', 'sigma'))
        mask = gaussian_masks(centre, sigma, image_size, self.shape)
        if self.peak == 'target':
            mask = 1 - mask
        lam = area_lambda(mask)
        mask = mask.expand(n, -1, -1)
        return MixedBatch(
            inputs=paste_soft(inputs, source, mask),
            labels=labels,
            source=source,
            lam=(1 - lam if self.swapped_label else lam).expand(n),
            mask=mask,
            kind=self.kind,
            mixer='SmoothMix')
