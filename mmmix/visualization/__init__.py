"""Pictures of what the mixers do, and of what the analyses find."""
from .browse import MixedPairs, mix_pairs
from .figure import draw_pairs
from .report import markdown_table, write_report

__all__ = [
    'MixedPairs', 'draw_pairs', 'markdown_table', 'mix_pairs', 'write_report'
]
