"""Normalising, stacking and mixing."""
from .mix_data_preprocessor import MixDataPreprocessor

__all__ = ['MixDataPreprocessor']
