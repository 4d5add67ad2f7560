"""Losses on mixed batches beside the classification loss."""
from .base import MixLoss
from .consistency import ConsistencyLoss
from .fine_grained import FineGrainedLoss
from .unmixed import UnmixedLoss

__all__ = ['ConsistencyLoss', 'FineGrainedLoss', 'MixLoss', 'UnmixedLoss']
