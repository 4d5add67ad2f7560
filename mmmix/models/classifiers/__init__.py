from .mix_classifier import MixClassifier

__all__ = ['MixClassifier']
