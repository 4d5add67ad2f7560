"""Mixers: batch augments that also tell which image was pasted into which."""
from .at_site import AtSite
from .attentive_cutmix import AttentiveCutMix
from .automix import AutoMix, MixBlock
from .base import BatchMixer
from .comixup import CoMixup
from .cutmix import CutMix
from .fmix import FMix
from .gridmixup import GridMixup
from .manifoldmix import ManifoldMix
from .maskmix import MaskMix
from .mixtoken import MixToken
from .mixup import Mixup
from .puzzlemix import PuzzleMix
from .random_mixer import RandomMixer
from .relabel import ReLabel
from .resizemix import ResizeMix
from .saliencymix import SaliencyMix
from .smmix import SMMix
from .smoothmix import SmoothMix

__all__ = [
    'AtSite', 'AttentiveCutMix', 'AutoMix', 'BatchMixer', 'CoMixup', 'CutMix',
    'FMix', 'GridMixup', 'ManifoldMix', 'MaskMix', 'MixBlock', 'MixToken',
    'Mixup', 'PuzzleMix', 'RandomMixer', 'ReLabel', 'ResizeMix', 'SMMix',
    'SaliencyMix', 'SmoothMix'
]
