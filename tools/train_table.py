"""Train the runs of tables, several at a time, and write the tables.

A table is a config with `runs`, a dict from the name of a row to its config
and the values to override in it, dict(config=..., options={...}), and `seeds`.
With grid=(PANEL, EPOCHS, LINE) in each row, the differences are drawn as lines
in panels, and are those from the first row of the same panel and epochs.
A run that is finished, also as a row of another table, is skipped, and one
that was interrupted resumes: repeat the command. Stopped by a signal (Ctrl-C,
SIGTERM), it stops its trainings, too, which save where they are. A run whose
config has changed since is refused. The log of a run is in its folder; its
line of each epoch is shown here, too.

example: train_table.py configs/evaluation/tables/vit_cifar10-5000.py
"""
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from itertools import product, repeat
from pathlib import Path
from textwrap import shorten
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from mmengine.config import Config

from mmmix.cli import (add_quiet, command_parser, load_config, replace_sync_bn,
                       require_keys, set_loader_defaults, user_errors)
from mmmix.cli.runner import set_default_hooks
from mmmix.engine.hooks.preemption_hook import AGAIN, handling_signals
from mmmix.environment import find_config
from mmmix.errors import MmmixError, first_few
from mmmix.progress import QUIET, Progress
from mmmix.visualization.curves import COLOURS, draw_curves, read_curves
from mmmix.visualization.panels import draw_panels
from mmmix.visualization.report import write_report

METRIC = 'accuracy/top1'
TRAIN = Path(__file__).with_name('train.py')
# what a config says of where and from what a run starts, not of its numbers
STARTS = ('work_dir', 'load_from', 'resume', 'launcher')


class Run(NamedTuple):
    """One training: a row of a table with one seed."""
    row: str
    seed: int
    config: Config
    grid: tuple

    @property
    def folder(self) -> Path:
        return Path(self.config.work_dir)

    @property
    def finished(self) -> bool:
        last = self.config.train_cfg.max_epochs
        if not (self.folder / f'epoch_{last}.pth').is_file():
            return False
        # it is saved before it is validated
        points = read_curves(self.folder).get(METRIC)
        return bool(points) and points[-1][0] == last


def read_table(path, work_dir):
    """The runs of a table, the first seed of all rows first."""
    table = Config.fromfile(find_config(path))
    require_keys(table, 'runs', 'seeds')
    return [
        Run(row, seed, _config(run, seed, work_dir), (*run.get('grid', ()), ))
        for seed, (row, run) in product(table.seeds, table.runs.items())
    ]


def _config(run, seed, work_dir):
    """The config of a run, in a folder that tells what it overrides."""
    options = run.get('options', {})
    changes = [f'{key.split(".")[-1]}={options[key]}' for key in options]
    name = re.sub(r'[^\w.=]+', '-',
                  '+'.join([Path(run['config']).stem, *changes]))
    folder = str(Path(work_dir, name, f'seed{seed}'))
    return load_config(run['config'], {
        **options, 'randomness.seed': seed,
        'work_dir': folder
    })


def check_folders(runs):
    """Check that runs that share a folder, as one of several tables does, are
    the same, and that what was trained there is.

    Returns:
        list[Run]: One of each folder.
    """
    own = {}
    for run in runs:
        first = own.setdefault(run.folder, run)
        changed = first is not run and differences(first.config, run.config)
        if changed:
            raise MmmixError(
                f'The rows {first.row!r} and {run.row!r} would share the '
                f'folder {run.folder}, but differ in {changed}. A folder is '
                "named after the config's file and the last part of each key "
                'of options: give one of the rows a config of its own, with '
                'another name.')
    for run in own.values():
        dumped = run.folder / 'run.py'
        if not (dumped.is_file() and any(run.folder.glob('*.pth'))):
            continue
        changed = differences(
            Config.fromfile(dumped, import_custom_modules=False), run.config)
        if changed:
            raise MmmixError(
                f'{run.folder} was trained with another config than the row '
                f'{run.row!r} has now: they differ in {changed}. Delete the '
                'folder to train it again, or give another --work-dir.')
    return [*own.values()]


def differences(old, new):
    """In which values two configs differ, in words, as far as they change
    what is trained."""
    old, new = (dict(_values(_completed(cfg))) for cfg in (old, new))
    keys = [
        key for key in {
            **old,
            **new
        } if str(old.get(key)) != str(new.get(key))
        and not key.endswith('pin_memory')  # as the machine has a GPU
    ]
    return first_few(f'{key} ({shorten(str(old.get(key)), 60)} and '
                     f'{shorten(str(new.get(key)), 60)})' for key in keys)


def _completed(cfg):
    """A config as the training saves it."""
    cfg = deepcopy(cfg)
    set_loader_defaults(cfg)
    set_default_hooks(cfg)
    replace_sync_bn(cfg.model)
    return {
        key: value
        for key, value in cfg.to_dict().items() if key not in STARTS
    }


def _values(node, key=''):
    """All values of a config, at any depth, by their keys."""
    if isinstance(node, (list, tuple)):
        node = dict(enumerate(node))
    if not (isinstance(node, dict) and node):
        yield key, node
        return
    for name, child in node.items():
        yield from _values(child, f'{key}.{name}'.lstrip('.'))


def passing_on(processes):
    """Have trainings stop when this process is asked to: they save where they
    are, and no other begins. Ctrl-C reaches them by itself."""

    def stop(number, frame):
        if number != signal.SIGINT:
            for process in processes:
                process.terminate()
        raise SystemExit(AGAIN)

    return handling_signals(stop)


def train(run, progress, processes):
    """Train one run in a process of its own, which is added to a list;
    returns whether it finished."""
    finished, state = run.finished, 'FAILED, see log.txt'
    if not finished:
        run.folder.mkdir(parents=True, exist_ok=True)
        path = run.folder / 'run.py'
        run.config.dump(path)
        path_of_log = run.folder / 'log.txt'
        with open(path_of_log, 'a') as log, open(path_of_log) as said:
            said.seek(0, os.SEEK_END)
            process = subprocess.Popen(
                [sys.executable, TRAIN, path, '--resume'],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(os.environ, OMP_NUM_THREADS='1', **{QUIET: ''}))
            processes.append(process)
            relay_epochs(process, said, run, progress)
        finished = run.finished
        if process.returncode == AGAIN:
            state = 'stopped, the same command goes on'
    progress.advance()
    print(f'{run.folder}: {"finished" if finished else state}', flush=True)
    return finished


def relay_epochs(process, log, run, progress):
    """Show what a training logs of each epoch, until it ends."""
    running = True
    while running:
        running = process.poll() is None
        for said in re.findall('epoch .* left', log.read()):
            progress.say(f'{run.row}, seed {run.seed}, {said}')
        if running:
            time.sleep(0.2)


def write_table(out, title, runs):
    """The last accuracy of each row: mean and standard deviation over seeds,
    the difference from the first row, of its place in the grid if there is
    one, and a picture: the grid, the curves of the first seed, or, of more
    rows than curves can be told apart, all seeds."""
    rows, grid, first = {}, {}, {}
    for run in runs:
        rows.setdefault(run.row, {})[run.seed] = read_curves(run.folder)
        grid[run.row] = run.grid
        first.setdefault(run.grid[:2], run.row)
    seeds = sorted({run.seed for run in runs})
    last = {
        row: [curves[seed][METRIC][-1][-1] for seed in seeds]
        for row, curves in rows.items()
    }
    differences = {
        row: float(np.mean(values) - np.mean(last[first[grid[row][:2]]]))
        for row, values in last.items()
    }
    if all(grid.values()):
        figure = draw_grid(grid, differences)
    elif len(rows) > len(COLOURS):
        figure = draw_seeds(last)
    else:
        figure = draw_curves(
            {
                row: curves[seeds[0]]
                for row, curves in rows.items()
            }, [METRIC, 'loss'])
    write_report(
        out,
        title, [
            '', 'top-1', 'std', 'difference', *(f'seed {seed}'
                                                for seed in seeds)
        ], [[
            row,
            float(np.mean(values)),
            float(np.std(values, ddof=1)) if len(values) > 1 else None,
            differences[row], *values
        ] for row, values in last.items()],
        dict(
            curves={
                row: {
                    seed: {
                        name: [(point[0], point[-1]) for point in points]
                        for name, points in curves.items()
                        if name.startswith('accuracy')
                    }
                    for seed, curves in of_seeds.items()
                }
                for row, of_seeds in rows.items()
            }),
        figure=figure)


def draw_grid(grid, differences):
    """A panel, an x and a line for each row: its difference."""
    places = {place: differences[row] for row, place in grid.items()}
    panels, xs, lines = (dict.fromkeys(axis) for axis in zip(*places))
    return draw_panels(
        {
            panel: {
                line: [places.get((panel, x, line), np.nan) for x in xs]
                for line in lines
            }
            for panel in panels
        }, [*xs], 'epochs', 'difference in top-1, points')


def draw_seeds(last):
    """A line for each row, the best on top: its seeds and their mean."""
    figure = Figure(figsize=(6, .28 * len(last) + .8), layout='constrained')
    axis = figure.subplots()
    rows = sorted(last, key=lambda row: np.mean(last[row]))
    for y, row in enumerate(rows):
        axis.plot(last[row], [y] * len(last[row]), 'o', color='C0', alpha=.6)
        axis.plot(np.mean(last[row]), y, '|', color='black', markersize=12)
    axis.set_yticks(range(len(rows)), rows)
    axis.set_xlabel('top-1')
    axis.grid(axis='x', alpha=.3)
    return figure


def main():
    parser = command_parser(__doc__)
    parser.add_argument('tables', nargs='+', help='configs of tables')
    parser.add_argument(
        '--work-dir',
        type=os.path.expanduser,
        default='work_dirs/tables',
        help='where to save everything (default: %(default)s)')
    parser.add_argument(
        '--workers',
        type=int,
        default=1,
        help='how many runs to train at a time (default: %(default)s)')
    add_quiet(parser)
    args = parser.parse_args()
    with user_errors():
        tables = {
            Path(path).stem: read_table(path, args.work_dir)
            for path in args.tables
        }
        if len(tables) < len({*args.tables}):
            raise MmmixError(
                'Tables are saved by the names of their files, but some of '
                f'{", ".join(args.tables)} have the same: train them one '
                'after the other, each with its own --work-dir.')
        # a row of several tables is trained once
        runs = check_folders(run for own in tables.values() for run in own)
        processes = []
        with passing_on(processes), \
                Progress('runs', len(runs), 'runs') as progress, \
                ThreadPoolExecutor(args.workers) as pool:
            finished = [
                *pool.map(train, runs, repeat(progress), repeat(processes))
            ]
        for name, own in tables.items():
            if all(run.finished for run in own):
                write_table(Path(args.work_dir, name), name, own)
        if not all(finished):
            raise MmmixError(
                f'{finished.count(False)} of {len(finished)} runs '
                'failed; tables without them are written.')


if __name__ == '__main__':
    main()
