"""Pictures of what the mixers do."""
from .browse import MixedPairs, mix_pairs
from .figure import draw_pairs

__all__ = ['MixedPairs', 'draw_pairs', 'mix_pairs']
