from typing import Optional

from torch import Tensor

from mmmix.errors import MmmixError, check_name
from mmmix.functional import attention_lambda, nearest_mask
from mmmix.registry import MODELS
from mmmix.structures import Guidance, MixedBatch
from .base import LabelRule


@MODELS.register_module()
class TransMixLabel(LabelRule):
    r"""Lambda from the class attention of the mixed images (TransMix).

    `TransMix: Attend to Mix for Vision Transformers
    <https://arxiv.org/abs/2111.09833>`_; also MixPro, Eq. 1-5:

    .. math::
        \lambda_{attn} = A \cdot \downarrow(M), \quad
        \lambda = (1 - w) \lambda_{attn} + w \lambda_{area}

    A label has no gradient. The authors' public code is
    ``normalize=True, area_weight=0.5``.

    Args:
        area_weight (float): Weight w of the area, in [0, 1]. Defaults to 0,
            the paper's.
        normalize (bool): Divide by the attention on all patches. Defaults to
            False, the paper's.
        downsample (str): How the mask is resized to the attention's grid:
            'nearest', the paper's and the default, or 'area', averaged. The
            two agree where the mask follows the patches.

    Raises:
        MmmixError: If ``area_weight`` is outside [0, 1], or ``downsample`` is
            unknown.

    >>> import numpy as np
    >>> import torch
    >>> from mmmix.models import CutMix
    >>> source, box = np.array([1, 0]), np.array([0, 0, 8, 8])
    >>> params = dict(source=source, box=box, lam=0.25)
    >>> mixed = CutMix().mix(torch.rand(2, 3, 16, 16), torch.eye(2), params)
    >>> attention = torch.tensor([[0.4, 0.2], [0.3, 0.1]]).expand(2, 2, 2)
    >>> rule = TransMixLabel()
    >>> rule(torch.zeros(2, 2), mixed, class_attention=attention)
    tensor([0.4000, 0.4000])
    """

    requires = frozenset({'class_attention', 'mask'})

    def __init__(self,
                 area_weight: float = 0.0,
                 normalize: bool = False,
                 downsample: str = 'nearest'):
        super().__init__()
        if not 0 <= area_weight <= 1:
            raise MmmixError('`area_weight` must be in [0, 1], not '
                             f'{area_weight!r}.')
        check_name('downsample', downsample, ('nearest', 'area'))
        self.area_weight = area_weight
        self.normalize = normalize
        self.downsample = downsample

    def attention_lambda(self, mixed: MixedBatch, attention: Tensor) -> Tensor:
        r""":math:`\lambda_{attn}` of each image ``(N,)``."""
        grid = attention.shape[1:]
        mask = (
            mixed.mask_on(grid) if self.downsample == 'area' else nearest_mask(
                mixed.mask, grid))
        return attention_lambda(attention, mask, self.normalize)

    def compute(self, logits: Tensor, mixed: MixedBatch,
                guidance: Optional[Guidance],
                class_attention: Optional[Tensor]) -> Tensor:
        lam = self.attention_lambda(mixed, class_attention)
        return lam.lerp(mixed.lam, self.area_weight)
