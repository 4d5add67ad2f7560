"""Weights: safe reading, all or none, published key names, positions."""
from .absvit import from_published_absvit
from .files import check_checkpoint, checkpoint_to_resume
from .fitting import MIXERS, fit_weights
from .installed import load_from_pypi
from .loading import load_weights, read_weights, trained_img_size, weights_of
from .pretrained import StrictPretrained
from .pvt import from_published_pvt, to_published_pvt
from .saving import save_whole
from .stock import stock_weights
from .unpickling import read_checkpoint, trust_checkpoints

__all__ = [
    'MIXERS', 'StrictPretrained', 'check_checkpoint', 'checkpoint_to_resume',
    'fit_weights', 'from_published_absvit', 'from_published_pvt',
    'load_from_pypi', 'load_weights', 'read_checkpoint', 'read_weights',
    'save_whole', 'stock_weights', 'to_published_pvt', 'trained_img_size',
    'trust_checkpoints', 'weights_of'
]
