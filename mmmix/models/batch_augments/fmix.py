from typing import Optional, Sequence, Union

import numpy as np
import torch
from torch import Tensor

from mmmix.errors import MmmixError, check_name
from mmmix.functional import (area_lambda, low_frequency_images, paste_masked,
                              paste_soft, resize_mask, stretch_cells,
                              top_share_masks, two_column_images,
                              two_column_length)
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance, MixedBatch
from .base import BatchMixer, Params, check_alpha, check_grid, pair, to_device


@BATCH_AUGMENTS.register_module()
class FMix(BatchMixer):
    r"""Regions of random shape: thresholded low-frequency noise.

    `FMix: Enhancing Mixed Sample Data Augmentation
    <https://arxiv.org/abs/2002.12047>`_. With complex Gaussian noise Z and the
    frequency f of each of its places,

    .. math::
        g = \Re\left(\mathcal{F}^{-1}\left(\frac{Z}{f^{\delta}}\right)\right),
        \quad M_{ij} = 1 \text{ where } g_{ij} \text{ is among the }
        \lambda H W \text{ largest}

    and :math:`\lambda` from Beta(alpha, alpha); where :math:`\lambda H W` is
    not a whole number, it is rounded up or down with equal chance. The mask
    shows the source here and the image itself in the paper, which is the same
    by symmetry. One mask for the batch; a random partner for each image.

    The public code transforms half of the plane, which makes waves along the
    width twice as strong, and mixes up an axis besides, so that no mask has
    more than one wave across the width: ``spectrum='public_code'``.

    Args:
        alpha (float): Positive parameter of the Beta distribution. Defaults
            to 1.
        delta (float): How fast the noise falls with the frequency, at least
            0. Defaults to 3.
        per_image (bool): Draw a lambda and a mask for each image. Defaults to
            False, one for the batch, as the public code does.
        max_soft (float): Up to this share of all places on either side of a
            border gets weights that fall from 1 to 0, in the order of g; less
            where lambda or 1 - lambda is. In [0, 0.5]; defaults to 0, a hard
            mask. Softened batches are of the kind 'soft'.
        grid (int | Sequence[int], optional): Rows and columns of the mask,
            not more than the image has pixels. Defaults to None, one value
            for each pixel.
        lam (str): 'drawn', the lambda that was drawn, or 'area', the mean of
            the mask, which may differ by as much as a place of the mask, and
            more where ``grid`` does not divide the image. Defaults to 'drawn',
            the paper's.
        reformulate (bool): The label is the image's own alone, and the source
            gets a share from Beta(alpha, alpha + 1), which is the same loss on
            average; lambda is then 0. Defaults to False.
        spectrum (str): 'paper' or 'public_code', see above. Defaults to
            'paper'.

    Raises:
        MmmixError: If a number is out of range or a name unknown; in
            :meth:`mix`, if ``grid`` is finer than the image.

    >>> inputs, labels = torch.rand(4, 3, 32, 48), torch.eye(4)
    >>> params = FMix().sample(np.random.default_rng(0), 4, (32, 48))
    >>> mixed = FMix().mix(inputs, labels, params)
    >>> abs(mixed.mask.mean() - mixed.lam[0]) < 1 / (32 * 48)
    tensor(True)
    """

    def __init__(self,
                 alpha: float = 1.0,
                 delta: float = 3.0,
                 per_image: bool = False,
                 max_soft: float = 0.0,
                 grid: Union[int, Sequence[int], None] = None,
                 lam: str = 'drawn',
                 reformulate: bool = False,
                 spectrum: str = 'paper'):
        check_name('lam', lam, ('drawn', 'area'))
        check_name('spectrum', spectrum, ('paper', 'public_code'))
        if not 0 <= delta < float('inf'):
            raise MmmixError(
                f'`delta` must not be negative, but is {delta!r}.')
        if not 0 <= max_soft <= 0.5:
            raise MmmixError('`max_soft` must be a share from 0 to 0.5, not '
                             f'{max_soft!r}.')
        self.alpha = check_alpha(alpha)
        self.delta = float(delta)
        self.per_image = per_image
        self.max_soft = max_soft
        self.kind = 'soft' if max_soft else 'regions'
        self.grid = check_grid(grid)
        self.lam = lam
        self.reformulate = reformulate
        self.spectrum = spectrum

    def sample(self, rng: np.random.Generator, batch_size: int,
               image_size: Sequence[int]) -> Params:
        height, width = self.grid or image_size
        masks = batch_size if self.per_image else 1
        shape = (height, width) if self.spectrum == 'paper' else (
            two_column_length(width), 2)
        source = pair(rng, batch_size, 'shuffle')
        lam = rng.beta(self.alpha, self.alpha + self.reformulate, masks)
        places = height * width
        up = rng.random(masks) < 0.5
        return dict(
            source=source,
            lam=lam.astype(np.float32),
            count=np.int64(
                np.where(up, np.ceil(lam * places), np.floor(lam * places))),
            soft=np.int64(places *
                          np.minimum(self.max_soft, np.minimum(lam, 1 - lam))),
            noise=rng.standard_normal((masks, 2, *shape), np.float32))

    def mix(self,
            inputs: Tensor,
            labels: Tensor,
            params: Params,
            guidance: Optional[Guidance] = None) -> MixedBatch:
        n, _, *image_size = inputs.shape
        source, lam, count, soft, noise = (
            to_device(params[name], inputs)
            for name in ('source', 'lam', 'count', 'soft', 'noise'))
        if self.spectrum == 'paper':
            images = low_frequency_images(noise, self.delta)
        else:
            images = two_column_images(noise, self.grid or image_size,
                                       self.delta)
        mask = stretch_cells(top_share_masks(images, count, soft), image_size)
        if self.lam == 'area':
            lam = area_lambda(mask)
        if self.reformulate:
            lam = torch.zeros_like(lam)
        if self.kind == 'soft':
            mask = resize_mask(mask, image_size)
            mixed = paste_soft(inputs, source, mask.expand(n, -1, -1))
        else:
            mixed = paste_masked(inputs, source, mask.bool().expand(n, -1, -1))
        return MixedBatch(
            inputs=mixed,
            labels=labels,
            source=source,
            lam=lam.expand(n),
            mask=mask.expand(n, -1, -1),
            kind=self.kind,
            mixer='FMix')
