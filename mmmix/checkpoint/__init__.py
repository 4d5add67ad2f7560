"""Weights: safe reading, all or none, published key names, positions."""
from .absvit import from_published_absvit
from .installed import load_from_pypi
from .loading import (check_checkpoint, load_weights, read_published,
                      read_weights, save_whole, weights_of)
from .pretrained import StrictPretrained
from .pvt import from_published_pvt, to_published_pvt

__all__ = [
    'StrictPretrained', 'check_checkpoint', 'from_published_absvit',
    'from_published_pvt', 'load_from_pypi', 'load_weights', 'read_published',
    'read_weights', 'save_whole', 'to_published_pvt', 'weights_of'
]
