"""Losses on mixed batches beside the classification loss."""
from .base import MixLoss
from .consistency import ConsistencyLoss
from .fine_grained import FineGrainedLoss
from .generator import GeneratorLoss

__all__ = ['ConsistencyLoss', 'FineGrainedLoss', 'GeneratorLoss', 'MixLoss']
