"""Weights: safe reading, all or none, published key names, positions."""
from .loading import check_checkpoint, load_weights, read_published, save_whole
from .pretrained import StrictPretrained

__all__ = [
    'StrictPretrained', 'check_checkpoint', 'load_weights', 'read_published',
    'save_whole'
]
