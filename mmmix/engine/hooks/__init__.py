from .ema_guide_hook import EMAGuideHook

__all__ = ['EMAGuideHook']
