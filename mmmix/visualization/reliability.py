"""How well confidence tells whether a classifier is right."""
from typing import Dict, Optional, Sequence

from matplotlib.figure import Figure

# of both panels: what is drawn, over what, and the score that sums it up
PANELS = (('bins', 'confidence', 'confidence, bins of 100 images',
           'rms_calibration_error', 'RMS calibration error'),
          ('response_rate_accuracy', 'response_rate', 'response rate', 'aurra',
           'AURRA'))


def draw_reliability(
    content: Dict[str, Dict[str, dict]], left_out: Sequence[str] = ()
) -> Optional[Figure]:
    """Reliability and response rate accuracy, a row of panels for each set;
    None where no set has them.

    Args:
        content (dict[str, dict[str, dict]]): Of each model by name, what
            :class:`mmmix.analysis.OutOfDistribution` measures on each set.
        left_out (Sequence[str]): Sets that are not drawn.
    """
    first = next(iter(content.values()))
    parts = [
        part for part, values in first.items()
        if 'aupr' not in values and part not in left_out
    ]
    if not parts:
        return None
    figure = Figure(figsize=(9, 3.6 * len(parts)), layout='constrained')
    panels = figure.subplots(len(parts), 2, squeeze=False)
    for row, part in zip(panels, parts):
        row[0].plot([0, 1], [0, 1], color='grey', linewidth=0.8)
        for panel, (kind, x, xlabel, score, title) in zip(row, PANELS):
            for name, measures in content.items():
                values = measures[part]
                panel.plot(
                    values[kind][x],
                    values[kind]['accuracy'],
                    '.-',
                    label=f'{name} ({values[score]:.1f})')
            panel.set(
                xlabel=xlabel,
                ylabel='accuracy',
                title=f'{part}: {title} (%)',
                ylim=(0, 1.02))
            panel.legend(fontsize='small')
    return figure
