"""Mixers: batch augments that also say who was pasted into whom."""
from .attentive_cutmix import AttentiveCutMix
from .base import BatchMixer
from .choice import MixerChoice
from .cutmix import CutMix
from .maskmix import MaskMix
from .mixup import Mixup
from .resizemix import ResizeMix
from .smmix import SMMix

__all__ = [
    'AttentiveCutMix', 'BatchMixer', 'CutMix', 'MaskMix', 'MixerChoice',
    'Mixup', 'ResizeMix', 'SMMix'
]
