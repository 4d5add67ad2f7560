"""Mixers: batch augments that also tell which image was pasted into which."""
from .at_site import AtSite
from .attentive_cutmix import AttentiveCutMix
from .base import BatchMixer
from .cutmix import CutMix
from .manifoldmix import ManifoldMix
from .maskmix import MaskMix
from .mixtoken import MixToken
from .mixup import Mixup
from .random_mixer import RandomMixer
from .resizemix import ResizeMix
from .smmix import SMMix

__all__ = [
    'AtSite', 'AttentiveCutMix', 'BatchMixer', 'CutMix', 'ManifoldMix',
    'MaskMix', 'MixToken', 'Mixup', 'RandomMixer', 'ResizeMix', 'SMMix'
]
