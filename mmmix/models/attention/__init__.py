"""How a backbone family yields its attention map and its patch tokens."""
from .base import AttentionExtractor, find_extractor
from .vit import ViTAttention

__all__ = ['AttentionExtractor', 'ViTAttention', 'find_extractor']
