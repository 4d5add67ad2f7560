"""Mixers: batch augments that also tell which image was pasted into which."""
from .attentive_cutmix import AttentiveCutMix
from .base import BatchMixer
from .comixup import CoMixup
from .cutmix import CutMix
from .maskmix import MaskMix
from .mixup import Mixup
from .puzzlemix import PuzzleMix
from .random_mixer import RandomMixer
from .resizemix import ResizeMix
from .smmix import SMMix

__all__ = [
    'AttentiveCutMix', 'BatchMixer', 'CoMixup', 'CutMix', 'MaskMix',
    'RandomMixer', 'Mixup', 'PuzzleMix', 'ResizeMix', 'SMMix'
]
