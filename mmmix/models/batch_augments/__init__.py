"""Mixers: batch augments that also say who was pasted into whom."""
from .base import BatchMixer
from .choice import MixerChoice
from .cutmix import CutMix
from .mixup import Mixup
from .resizemix import ResizeMix
from .smmix import SMMix

__all__ = [
    'BatchMixer', 'CutMix', 'MixerChoice', 'Mixup', 'ResizeMix', 'SMMix'
]
