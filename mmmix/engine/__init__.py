"""Hooks, the optimizer wrapper and the strategy of a run."""
from .autocast import AutocastOptimWrapper
from .fsdp import FSDPStrategy
from .hooks import EMAGuideHook, MixStatisticsHook

__all__ = [
    'AutocastOptimWrapper', 'EMAGuideHook', 'FSDPStrategy', 'MixStatisticsHook'
]
