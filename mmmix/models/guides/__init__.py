"""Where attention and scores of the unmixed images come from."""
from .average import EMAGuide
from .base import Guide
from .frozen import FrozenGuide
from .self_guide import SelfGuide

__all__ = ['EMAGuide', 'FrozenGuide', 'Guide', 'SelfGuide']
