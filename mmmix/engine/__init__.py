"""Parts that live beside the model during a run."""
from .autocast import AutocastOptimWrapper
from .fsdp import FSDPStrategy
from .hooks import EMAGuideHook, MixStatisticsHook

__all__ = [
    'AutocastOptimWrapper', 'EMAGuideHook', 'FSDPStrategy', 'MixStatisticsHook'
]
