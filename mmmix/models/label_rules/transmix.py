from torch import Tensor

from mmmix.functional import attention_lambda, nearest_mask, resize_mask
from mmmix.registry import MODELS
from mmmix.structures import MixedBatch
from .base import LabelRule

DOWNSAMPLE = dict(area=resize_mask, nearest=nearest_mask)


@MODELS.register_module()
class TransMixLabel(LabelRule):
    r"""Lambda from the class attention of the mixed images (TransMix).

    `TransMix: Attend to Mix for Vision Transformers
    <https://arxiv.org/abs/2111.09833>`_; also MixPro, Eq. 1-5:

    .. math::
        \lambda_{attn} = A \cdot \downarrow(M), \quad
        \lambda = (1 - w) \lambda_{attn} + w \lambda_{area}

    A label has no gradient. The authors' public code is
    ``normalize=True, area_weight=0.5, downsample='nearest'``.

    Args:
        area_weight (float): Weight w of the area, in [0, 1]. Defaults to 0,
            the paper's.
        normalize (bool): Divide by the attention on all patches. Defaults to
            False, the paper's.
        downsample (str): How the mask reaches the attention's grid: 'area',
            averaged, or 'nearest', the paper's. Defaults to 'area'. The two
            agree where the mask follows the patches.

    Raises:
        ValueError: If ``area_weight`` is outside [0, 1], or ``downsample`` is
            unknown.
    """

    needs_class_attention = True

    def __init__(self,
                 area_weight: float = 0.0,
                 normalize: bool = False,
                 downsample: str = 'area'):
        super().__init__()
        if not 0 <= area_weight <= 1:
            raise ValueError('`area_weight` must be in [0, 1], not '
                             f'{area_weight!r}.')
        if downsample not in DOWNSAMPLE:
            raise ValueError(f'`downsample` must be one of {[*DOWNSAMPLE]}, '
                             f'not {downsample!r}.')
        self.area_weight = area_weight
        self.normalize = normalize
        self.downsample = downsample

    def attention_lambda(self, mixed: MixedBatch, attention: Tensor) -> Tensor:
        """:math:`\\lambda_{attn}` of each image ``(N,)``."""
        attention = attention.detach()
        mask = DOWNSAMPLE[self.downsample](mixed.mask, attention.shape[1:])
        return attention_lambda(attention, mask, self.normalize)

    def compute(self, cls_score, mixed, guidance, attention):
        lam = self.attention_lambda(mixed, attention)
        return lam.lerp(mixed.lam, self.area_weight)
