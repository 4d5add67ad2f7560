"""How well confidence tells whether a classifier is right."""
from typing import Dict, Optional, Sequence

from matplotlib.figure import Figure


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
    for (left, right), part in zip(panels, parts):
        left.plot([0, 1], [0, 1], color='grey', linewidth=0.8)
        for name, measures in content.items():
            values = measures[part]
            bins = values['bins']
            left.plot(
                bins['confidence'],
                bins['accuracy'],
                '.-',
                label=f'{name} ({values["rms_calibration_error"]:.1f})')
            curve = values['response_rate_accuracy']
            right.plot(
                curve['response_rate'],
                curve['accuracy'],
                label=f'{name} ({values["aurra"]:.1f})')
        left.set(
            xlabel='confidence, bins of 100 images',
            ylabel='accuracy',
            title=f'{part}: RMS calibration error (%)')
        right.set(
            xlabel='response rate',
            ylabel='accuracy',
            title=f'{part}: AURRA (%)',
            ylim=(0, 1.02))
        for panel in (left, right):
            panel.legend(fontsize='small')
    return figure
