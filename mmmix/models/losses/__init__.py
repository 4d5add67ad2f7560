"""Losses on mixed batches beside the classification loss."""
from .base import MixLoss, TokenLoss
from .consistency import ConsistencyLoss
from .dense_label import DenseLabelLoss
from .fine_grained import FineGrainedLoss
from .generator import GeneratorLoss
from .unmixed import UnmixedLoss

__all__ = [
    'ConsistencyLoss', 'DenseLabelLoss', 'FineGrainedLoss', 'GeneratorLoss',
    'MixLoss', 'TokenLoss', 'UnmixedLoss'
]
