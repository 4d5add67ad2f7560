"""Curves in panels, with one legend."""
from typing import Dict, Optional, Sequence

from matplotlib.figure import Figure

Lines = Dict[str, Sequence[float]]
MARKERS = 'osD^vPX*<>'


def draw_panels(panels: Dict[str, Lines],
                x: Sequence[float],
                xlabel: str,
                ylabel: str,
                references: Optional[Dict[str, Lines]] = None,
                share_y: bool = True) -> Figure:
    """Draw curves: a panel for each question, a line for each model.

    A model has one colour and one marker in all panels; from the eleventh on
    lines are dashed, as the colours return.

    Args:
        panels (dict[str, Lines]): The lines of each panel by its title.
        x (Sequence[float]): Where all lines are known.
        xlabel, ylabel (str): What is on the axes.
        references (dict[str, Lines], optional): Grey lines by the title of
            their panel.
        share_y (bool): Whether the panels have one vertical scale. Defaults
            to True.
    """
    names = list(dict.fromkeys(n for lines in panels.values() for n in lines))
    figure = Figure(
        figsize=(3.4 * len(panels) + 1.6, 3.4), layout='constrained')
    axes = figure.subplots(
        1, len(panels), sharex=True, sharey=share_y, squeeze=False)[0]
    for axis, (title, lines) in zip(axes, panels.items()):
        for name, values in (references or {}).get(title, {}).items():
            axis.plot(x, values, color='.55', linestyle='--', label=name)
        for name, values in lines.items():
            number = names.index(name)
            axis.plot(
                x,
                values,
                color=f'C{number % 10}',
                marker=MARKERS[number % len(MARKERS)],
                markersize=4,
                linestyle='-' if number < 10 else '--',
                linewidth=1.4,
                label=name)
        axis.set(title=title, xlabel=xlabel)
        axis.grid(alpha=.3)
    axes[0].set_ylabel(ylabel)
    figure.legend(
        *axes[0].get_legend_handles_labels(),
        loc='outside right center',
        fontsize=8)
    return figure
