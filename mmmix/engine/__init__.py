"""Parts that live beside the model during a run."""
from .hooks import EMAGuideHook

__all__ = ['EMAGuideHook']
