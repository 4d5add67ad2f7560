"""How to get attention maps and patch tokens from each backbone family."""
from .absvit import AbSViTTopDown
from .base import (AttentionExtractor, OutputRecorder, declared_size,
                   find_extractor, patch_grid, patch_of)
from .ca_swin import CASwinAttention
from .cait import CaiTAttention
from .class_token import ClassTokenAttention, split_heads
from .cnn import CNNActivation
from .maps import AttentionMap, BottomUp, ClassAttention, TopDown
from .pvt import PVTAttention
from .swin import SwinAttention
from .timm_vit import TIMMViTAttention
from .vit import ViTAttention
from .xcit import XCiTAttention

__all__ = [
    'AbSViTTopDown', 'AttentionExtractor', 'BottomUp', 'CASwinAttention',
    'CNNActivation', 'CaiTAttention', 'ClassAttention', 'ClassTokenAttention',
    'PVTAttention', 'SwinAttention', 'TIMMViTAttention', 'TopDown',
    'ViTAttention', 'AttentionMap', 'OutputRecorder', 'XCiTAttention',
    'declared_size', 'find_extractor', 'patch_grid', 'patch_of', 'split_heads'
]
