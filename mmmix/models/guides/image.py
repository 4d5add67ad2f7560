from typing import FrozenSet, List, Optional

import torch
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmmix.errors import check_name
from mmmix.functional import (fine_grained_saliency, grey_levels, in_cache,
                              spectral_residual_saliency)
from mmmix.registry import TASK_UTILS
from mmmix.structures import Guidance
from ..channels import normalisation
from .base import Guide

SALIENCY = dict(
    fine_grained=fine_grained_saliency, spectral=spectral_residual_saliency)


@TASK_UTILS.register_module()
class ImageGuide(Guide):
    """Attention from the pixels alone, without a network (SaliencyMix).

    The normalisation of the model is undone, and the 8-bit grey levels are
    what the map is computed from. Images that were not normalised must have
    pixels from 0 to 255.

    Args:
        saliency (str): 'fine_grained', the contrast of each pixel to its
            surroundings, on the grid of the pixels, or 'spectral', the
            spectral residual, on a grid of 64 x 64; see
            :func:`~mmmix.functional.fine_grained_saliency` and
            :func:`~mmmix.functional.spectral_residual_saliency`. Defaults to
            'fine_grained', the detector of SaliencyMix.

    Raises:
        MmmixError: If the name is unknown; in use, if the images have neither
            one nor three channels.

    >>> sorted(ImageGuide(saliency='spectral').gives)
    ['attention']
    """

    gives = frozenset({'attention'})

    def __init__(self, saliency: str = 'fine_grained'):
        check_name('saliency', saliency, SALIENCY)
        self.saliency = SALIENCY[saliency]

    @torch.no_grad()
    def __call__(self,
                 model: nn.Module,
                 images: Tensor,
                 requires: FrozenSet[str],
                 labels: Optional[Tensor] = None,
                 samples: Optional[List[DataSample]] = None) -> Guidance:
        preprocessor = model.data_preprocessor
        channels = getattr(preprocessor, 'channels', 'rgb')
        mean, std = normalisation(preprocessor, images[:1].float())

        def attention(part: Tensor) -> Tensor:
            return self.saliency(
                grey_levels(part.float() * std + mean, channels))

        # the spectral map multiplies matrices
        with torch.autocast(images.device.type, enabled=False):
            return Guidance(attention=in_cache(attention, images))
