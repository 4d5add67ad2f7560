"""Backbones that MMPretrain does not have."""
from mmmix.checkpoint.absvit import from_published_absvit
from mmmix.checkpoint.pvt import from_published_pvt, to_published_pvt

from .absvit import AbSViT
from .ca_swin import CASwin
from .cait import CaiT
from .pvt import PyramidVisionTransformer
from .resnext_cifar import ResNeXt_CIFAR

__all__ = [
    'AbSViT', 'CASwin', 'CaiT', 'PyramidVisionTransformer', 'ResNeXt_CIFAR',
    'from_published_absvit', 'from_published_pvt', 'to_published_pvt'
]
