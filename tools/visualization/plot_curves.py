"""Plot what runs logged side by side: losses, accuracies, and what was mixed.

Panels are named as in the log: loss, loss_cls, accuracy/top1, lr, and with
mmmix.MixStatisticsHook mix/alpha_mean, mix/lam_mean and their like. Two are
made of others: error/top1 is 100 less the accuracy, histogram/alpha is that of
the last epoch.

example: plot_curves.py work_dirs/cutmix work_dirs/smmix --out curves.png

example, MixPro's Fig. 2: plot_curves.py work_dirs/mixpro work_dirs/transmix \\
             --panels mix/alpha_mean histogram/alpha loss error/top1
"""
import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from mmmix.cli.launch import short_errors
from mmmix.errors import MmmixError

COLUMNS = 4  # panels in a row
# what is shown of a log where nothing else is asked for
SHOWN = ('loss', 'accuracy', 'mix/lam_mean', 'mix/alpha_mean')
COLOURS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9',
           '#000000')


def read_curves(work_dir):
    """What MMEngine logged in the latest run of a work directory.

    Returns:
        dict[str, list[tuple]]: Epoch, iteration and value of each scalar, or
        counts of each histogram, in the order they were logged.

    Raises:
        FileNotFoundError: If there is no log.
        ValueError: If a line of it is broken, other than the last, which a
            run that was stopped may leave.
    """
    logs = sorted(Path(work_dir).glob('*/vis_data/scalars.json'))
    if not logs:
        raise FileNotFoundError(
            f'No log of a run below {work_dir}: expected '
            '<time>/vis_data/scalars.json, as a training leaves it.')
    lines = logs[-1].read_text().splitlines()
    curves, iterations = defaultdict(list), {}
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            if number == len(lines):
                break
            raise MmmixError(
                f'Line {number} of {logs[-1]} is broken.') from None
        # a validation is logged with its epoch as the step
        epoch = row.get('epoch', row['step'])
        iteration = row.get('iter', iterations.get(epoch, row['step']))
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


def choose_panels(runs, wanted):
    """The names to show.

    Raises:
        ValueError: If no run has logged one of them.
    """
    logged = list(dict.fromkeys(n for curves in runs.values() for n in curves))
    unknown = [name for name in wanted or () if name not in logged]
    if unknown:
        raise MmmixError(f'No run has logged {", ".join(unknown)}; there are '
                         f'{", ".join(logged)}. What was mixed is logged by '
                         'mmmix.MixStatisticsHook.')
    return wanted or [name for name in logged if name.startswith(SHOWN)]


def points_of(name, points, by):
    """x and y of a curve: all of it by iteration; by epoch the last value of
    each, but of what was mixed the mean over all that was."""
    if by == 'iteration':
        return [p[1] for p in points], [p[2] for p in points]
    epochs = defaultdict(list)
    for epoch, _, value in points:
        epochs[epoch].append(value)
    mean = name.startswith('mix/')
    epochs = dict(sorted(epochs.items()))
    return list(epochs), [
        np.mean(values) if mean else values[-1] for values in epochs.values()
    ]


def draw_histogram(axis, points, **style):
    """The shares over [0, 1] in the last epoch of a run."""
    last = points[-1][0]
    counts = np.sum([c for epoch, _, c in points if epoch == last], axis=0)
    shares, edges = counts / counts.sum(), np.linspace(0, 1, len(counts) + 1)
    axis.stairs(shares, edges, fill=True, alpha=.35, **style)
    axis.stairs(shares, edges, color=style['color'])
    axis.set(xlabel='value', ylabel=f'share, epoch {last}')


def draw_curves(runs, names, by='epoch'):
    """One panel for each name, one line for each run.

    Args:
        runs (dict[str, dict]): The curves of each run by its name.
        names (list[str]): See :func:`choose_panels`.
        by (str): What x counts: 'epoch' or 'iteration'.

    Returns:
        Figure: To be saved with ``savefig``.
    """
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(3.6 * columns, 3.2 * rows), layout='constrained')
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis, name in zip(axes, names):
        for i, (run, curves) in enumerate(runs.items()):
            # the same in all panels
            style = dict(color=COLOURS[i % len(COLOURS)], label=run)
            if name not in curves:
                continue
            if name.startswith('histogram/'):
                draw_histogram(axis, curves[name], **style)
                continue
            x, y = points_of(name, curves[name], by)
            marker = '.' if len(x) < 30 else None
            axis.plot(x, y, marker=marker, **style)
            axis.set_xlabel(by)
        axis.set_title(name)
        axis.grid(alpha=.3)
        axis.legend(fontsize=7)
    for axis in axes[len(names):]:  # what is left of the last row
        axis.remove()
    return figure


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work_dirs', nargs='+', type=Path)
    parser.add_argument(
        '--panels',
        nargs='+',
        metavar='NAME',
        help='what to show; by default losses, accuracies, and the means of '
        'lambda and alpha')
    parser.add_argument(
        '--by',
        choices=('epoch', 'iteration'),
        default='epoch',
        help='what the x axis counts (default: %(default)s)')
    parser.add_argument(
        '--out', default='curves.png', help='default: %(default)s')
    args = parser.parse_args()
    with short_errors(ValueError):
        runs = {path.name: read_curves(path) for path in args.work_dirs}
        if len(runs) < len(args.work_dirs):
            raise MmmixError('Runs are called by the last part of their '
                             'paths, which must differ.')
        names = choose_panels(runs, args.panels)
        if not names:
            raise MmmixError('The runs have logged neither losses nor '
                             'accuracies.')
    out = Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_curves(runs, names, args.by).savefig(out, dpi=110)
    print(out)


if __name__ == '__main__':
    main()
