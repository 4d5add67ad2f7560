"""How a backbone family yields its attention maps and its patch tokens."""
from .base import AttentionExtractor, Watch, find_extractor
from .cnn import CNNActivation
from .views import BottomUp, ClassAttention, TopDown, View
from .vit import ViTAttention

__all__ = [
    'AttentionExtractor', 'BottomUp', 'CNNActivation', 'ClassAttention',
    'TopDown', 'View', 'ViTAttention', 'Watch', 'find_extractor'
]
