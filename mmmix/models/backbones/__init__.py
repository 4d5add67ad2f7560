"""Backbones that MMPretrain does not have."""
from .absvit import AbSViT
from .ca_swin import CASwin
from .cait import CaiT
from .pvt import PyramidVisionTransformer
from .resnext_cifar import ResNeXt_CIFAR

__all__ = [
    'AbSViT', 'CASwin', 'CaiT', 'PyramidVisionTransformer', 'ResNeXt_CIFAR'
]
