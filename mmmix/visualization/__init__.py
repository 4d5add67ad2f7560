"""Pictures of what the mixers do, and of what the analyses find."""
from .browse import MixedPairs, mix_pairs
from .figure import draw_pairs
from .predictions import (draw_prediction, prediction_visualizer,
                          shown_instances)
from .report import markdown_table, write_report

__all__ = [
    'MixedPairs', 'draw_pairs', 'draw_prediction', 'markdown_table',
    'mix_pairs', 'prediction_visualizer', 'shown_instances', 'write_report'
]
