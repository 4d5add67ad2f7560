"""Mixers: batch augments that also tell which image was pasted into which."""
from .attentive_cutmix import AttentiveCutMix
from .base import BatchMixer
from .cutmix import CutMix
from .fmix import FMix
from .gridmixup import GridMixup
from .maskmix import MaskMix
from .mixup import Mixup
from .random_mixer import RandomMixer
from .resizemix import ResizeMix
from .saliencymix import SaliencyMix
from .smmix import SMMix
from .smoothmix import SmoothMix

__all__ = [
    'AttentiveCutMix', 'BatchMixer', 'CutMix', 'FMix', 'GridMixup', 'MaskMix',
    'RandomMixer', 'Mixup', 'ResizeMix', 'SMMix', 'SaliencyMix', 'SmoothMix'
]
