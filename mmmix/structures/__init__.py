"""What travels between the parts: the mixed batch and the guidance."""
from .guidance import Guidance
from .mixed_batch import MixedBatch

__all__ = ['Guidance', 'MixedBatch']
