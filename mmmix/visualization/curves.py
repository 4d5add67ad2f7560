"""What runs logged, side by side."""
import json
import math
from collections import defaultdict
from itertools import takewhile
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
from matplotlib.figure import Figure

from mmmix.errors import MmmixError

# of each name the points: epoch or None, iteration, value
Curves = Dict[str, List[Tuple]]
COLUMNS = 4  # panels in a row
# what is drawn of a log by default
SHOWN = ('loss', 'accuracy', 'mix/lam_mean', 'mix/alpha_mean')
COLOURS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9',
           '#000000', '#999999')


def read_curves(work_dir: Union[str, Path]) -> Curves:
    """What MMEngine logged of a run: epoch, iteration and value of each
    scalar, or counts of each histogram, in the order in which they were
    logged. Where the run was resumed, or began again, the later log counts.
    The epoch is None throughout where the run was trained by iteration.

    Raises:
        FileNotFoundError: If there is no log.
        MmmixError: If a line of it is broken, other than the last, which a
            run that was stopped may leave.
    """
    logs = sorted(Path(work_dir).glob('*/vis_data/scalars.json'))
    if not logs:
        raise FileNotFoundError(
            f'No log of a run below {work_dir}: expected '
            '<time>/vis_data/scalars.json, as a training leaves it.')
    rows: List[dict] = []
    for log in logs:
        later = _read_rows(log)
        start = next((row['iter'] for row in later if 'iter' in row), math.inf)
        rows = [
            *takewhile(
                lambda row, start=start: row.get('iter', 0) < start, rows),
            *later
        ]
    by_epoch = any('epoch' in row for row in rows)
    curves, iterations = defaultdict(list), {}
    for row in rows:
        # a validation is logged with its epoch as the step, or its iteration
        # where there are no epochs
        epoch = row.get('epoch', row['step']) if by_epoch else None
        iteration = row.get('iter', iterations.get(epoch, row['step']))
        if by_epoch:
            iterations[epoch] = iteration
        for name, value in row.items():
            curves[name].append((epoch, iteration, value))
            if name.startswith('accuracy/'):
                error = name.replace('accuracy', 'error')
                curves[error].append((epoch, iteration, 100 - value))
    return {
        name: points
        for name, points in curves.items()
        if name not in ('epoch', 'iter', 'step')
    }


def _read_rows(log: Path) -> List[dict]:
    lines = log.read_text().splitlines()
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            if number < len(lines):
                raise MmmixError(
                    f'Line {number} of {log} is broken.') from None
    return rows


def choose_panels(runs: Dict[str, Curves],
                  wanted: Optional[Sequence[str]]) -> Sequence[str]:
    """The names to draw: those that are wanted or, for None, losses,
    accuracies, and the means of lambda and alpha.

    Raises:
        MmmixError: If no run has logged one of them.
    """
    logged = list(dict.fromkeys(n for curves in runs.values() for n in curves))
    unknown = [name for name in wanted or () if name not in logged]
    if unknown:
        raise MmmixError(f'No run has logged {", ".join(unknown)}; there are '
                         f'{", ".join(logged)}. What was mixed is logged by '
                         'mmmix.MixStatisticsHook.')
    return wanted or [name for name in logged if name.startswith(SHOWN)]


def draw_curves(runs: Dict[str, Curves],
                names: Sequence[str],
                by: str = 'epoch') -> Figure:
    """One panel for each name, one line for each run.

    Of a histogram the shares in the last epoch of a run are drawn, or those
    that were logged last where it has no epochs.

    Args:
        runs (dict[str, Curves]): The curves of each run by its name.
        names (Sequence[str]): See :func:`choose_panels`.
        by (str): What x counts: 'iteration', or 'epoch', of which the last
            value is drawn, or the mean where it says what was mixed. Defaults
            to 'epoch', or 'iteration' where no run has epochs.

    Raises:
        MmmixError: If ``by`` is 'epoch' and some runs have none.
    """
    by = _x_axis(runs, by)
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(3.6 * columns, 3.2 * rows), layout='constrained')
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis, name in zip(axes, names):
        for i, (run, curves) in enumerate(runs.items()):
            # the same in all panels
            style = dict(color=COLOURS[i % len(COLOURS)], label=run)
            epochs = defaultdict(list)
            unit = 'epoch' if _has_epochs(curves) else 'iteration'
            place = 0 if unit == 'epoch' else 1
            for point in sorted(
                    curves.get(name, ()), key=lambda p, i=place: p[i]):
                epochs[point[place]].append(point[2])
            if not epochs:
                continue
            if name.startswith('histogram/'):
                last, counts = epochs.popitem()
                counts = np.sum(counts, axis=0)
                shares = counts / counts.sum()
                edges = np.linspace(0, 1, len(counts) + 1)
                axis.stairs(shares, edges, fill=True, alpha=.35, **style)
                axis.stairs(shares, edges, color=style['color'])
                axis.set(xlabel='value', ylabel=f'share, {unit} {last}')
                continue
            if by == 'iteration':
                _, x, y = zip(*curves[name])
            else:
                x = list(epochs)
                y = [
                    np.mean(values) if name.startswith('mix/') else values[-1]
                    for values in epochs.values()
                ]
            axis.plot(x, y, marker='.' if len(x) < 30 else None, **style)
            axis.set_xlabel(by)
        axis.set_title(name)
        axis.grid(alpha=.3)
        axis.legend(fontsize=7)
    for axis in axes[len(names):]:  # what is left of the last row
        axis.remove()
    return figure


def _has_epochs(curves: Curves) -> bool:
    """Whether a run was trained by epoch, all of whose points have one."""
    return any(point[0] is not None for points in curves.values()
               for point in points)


def _x_axis(runs: Dict[str, Curves], by: str) -> str:
    """What x counts: iterations where no run has epochs."""
    without = [
        name for name, curves in runs.items() if not _has_epochs(curves)
    ]
    if by == 'epoch' and 0 < len(without) < len(runs):
        raise MmmixError(
            f'{", ".join(without)} logged no epochs, as a training by '
            'iteration does, and the other runs did: draw all of them by '
            'iteration (--by iteration).')
    return 'iteration' if without else by
