"""Backbones that MMPretrain does not have."""
from .absvit import AbSViT
from .absvit_checkpoint import from_published_absvit
from .ca_swin import CASwin
from .cait import CaiT
from .pvt import PyramidVisionTransformer
from .pvt_checkpoint import from_published_pvt, to_published_pvt
from .resnext_cifar import ResNeXt_CIFAR

__all__ = [
    'AbSViT', 'CASwin', 'CaiT', 'PyramidVisionTransformer', 'ResNeXt_CIFAR',
    'from_published_absvit', 'from_published_pvt', 'to_published_pvt'
]
