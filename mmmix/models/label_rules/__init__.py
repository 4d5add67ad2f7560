"""How lambda, the weight of the source's label, is set."""
from .area_attention import AreaAttentionLabel
from .base import LabelRule
from .progressive import ProgressiveAttentionLabel
from .token_mix import TokenMixLabel
from .transmix import TransMixLabel

__all__ = [
    'AreaAttentionLabel', 'LabelRule', 'ProgressiveAttentionLabel',
    'TokenMixLabel', 'TransMixLabel'
]
