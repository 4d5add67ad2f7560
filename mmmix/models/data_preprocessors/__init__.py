"""Normalise, stack, and mix."""
from .mix_data_preprocessor import MixDataPreprocessor

__all__ = ['MixDataPreprocessor']
