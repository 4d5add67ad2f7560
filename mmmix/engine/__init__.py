"""Hooks, optimizer wrapper, schedule and strategy of a run."""
from .autocast import AutocastOptimWrapper
from .fsdp import FSDPStrategy
from .hooks import EMAGuideHook, MixStatisticsHook
from .param_groups import MergedParamGroups
from .schedulers import GroupCosineAnnealingLR

__all__ = [
    'AutocastOptimWrapper', 'EMAGuideHook', 'FSDPStrategy',
    'GroupCosineAnnealingLR', 'MergedParamGroups', 'MixStatisticsHook'
]
