"""Plot the losses and accuracies of runs side by side.

example: plot_curves.py work_dirs/cutmix work_dirs/smmix --out curves.png
"""
import argparse
import json
from collections import defaultdict
from pathlib import Path

from matplotlib.figure import Figure


def read_curves(work_dir):
    """What MMEngine logged in the latest run of a work directory.

    Returns:
        dict[str, tuple[list, list]]: Epochs and values of each scalar.

    Raises:
        FileNotFoundError: If there is no log.
    """
    logs = sorted(Path(work_dir).glob('*/vis_data/scalars.json'))
    if not logs:
        raise FileNotFoundError(
            f'No log of a run below {work_dir}: expected '
            '<time>/vis_data/scalars.json, as a training leaves it.')
    curves = defaultdict(lambda: ([], []))
    for line in logs[-1].read_text().splitlines():
        row = json.loads(line)
        # a validation is logged with its epoch as the step
        epoch = row.get('epoch', row['step'])
        for name, value in row.items():
            if 'loss' in name or 'accuracy' in name:
                curves[name][0].append(epoch)
                curves[name][1].append(value)
    return dict(curves)


def last_of_each_epoch(curve):
    return zip(*sorted(dict(zip(*curve)).items()))


def draw_curves(runs):
    """One panel for each scalar, one line for each run.

    Args:
        runs (dict[str, dict]): The curves of each run by its name.

    Returns:
        Figure: To be saved with ``savefig``.
    """
    names = list(dict.fromkeys(n for curves in runs.values() for n in curves))
    figure = Figure(figsize=(3.6 * len(names), 3.2), layout='constrained')
    axes = figure.subplots(1, len(names), squeeze=False)[0]
    for axis, name in zip(axes, names):
        for i, (run, curves) in enumerate(runs.items()):
            if name in curves:
                axis.plot(
                    *last_of_each_epoch(curves[name]),
                    color=f'C{i}',  # the same in all panels
                    label=run)
        axis.set(title=name, xlabel='epoch')
        axis.grid(alpha=.3)
        axis.legend(fontsize=7)
    return figure


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work_dirs', nargs='+', type=Path)
    parser.add_argument('--out', default='curves.png')
    args = parser.parse_args()
    try:
        runs = {path.name: read_curves(path) for path in args.work_dirs}
    except FileNotFoundError as error:
        parser.error(str(error))
    draw_curves(runs).savefig(args.out, dpi=110)
    print(args.out)


if __name__ == '__main__':
    main()
