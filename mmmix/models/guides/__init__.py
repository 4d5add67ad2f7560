"""Where attention and scores of the unmixed images come from."""
from .average import EMAGuide
from .base import Guide
from .frozen import FrozenGuide
from .pair import GuidePair
from .self_guide import SelfGuide

__all__ = ['EMAGuide', 'FrozenGuide', 'Guide', 'GuidePair', 'SelfGuide']
