"""How lambda, the weight of the source's label, is set."""
from .area_attention import AreaAttentionLabel
from .base import LabelRule
from .progressive import ProgressiveAttentionLabel
from .transmix import TransMixLabel

__all__ = [
    'AreaAttentionLabel', 'LabelRule', 'ProgressiveAttentionLabel',
    'TransMixLabel'
]
