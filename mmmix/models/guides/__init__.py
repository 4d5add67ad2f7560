"""Where attention, logits and more of the unmixed images come from."""
from .average import EMAGuide
from .base import Guide
from .by_word import WORDS, ask_guides, build_guides, words_by_guide
from .frozen import FrozenGuide
from .image import ImageGuide
from .label_maps import LabelMapGuide
from .network import NetworkGuide
from .self_guide import SelfGuide
from .timm_model import timm_guide

__all__ = [
    'EMAGuide', 'FrozenGuide', 'Guide', 'ImageGuide', 'LabelMapGuide',
    'NetworkGuide', 'SelfGuide', 'WORDS', 'ask_guides', 'build_guides',
    'timm_guide', 'words_by_guide'
]
