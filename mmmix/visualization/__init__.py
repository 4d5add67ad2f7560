"""Pictures of what the mixers do, and of what the analyses find."""
from .figure import MixedPairs, draw_pairs
from .predictions import (draw_prediction, prediction_visualizer,
                          shown_instances)
from .report import markdown_table, write_report

__all__ = [
    'MixedPairs', 'draw_pairs', 'draw_prediction', 'markdown_table',
    'prediction_visualizer', 'shown_instances', 'write_report'
]
