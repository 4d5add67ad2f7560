"""Parts that live beside the model during a run."""
from .hooks import EMAGuideHook, MixStatisticsHook

__all__ = ['EMAGuideHook', 'MixStatisticsHook']
