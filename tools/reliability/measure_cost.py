"""Time the steps of a training as mmmix runs it, as a multiple of MMEngine's.

Randomness that is derived for each sample, checkpoints that are written beside
and flushed to the disk, and data loading that is watched are on or off; model,
data and mixing are the same. Both trainings take turns, one step each, so that
what else the machine does meets both; a checkpoint is saved after each epoch,
in the time of the step that follows. Printed is the median of the ratios of
two such steps, and the ratio of all of the time, each with the values between
which it lies (95 %, bootstrap over the pairs of steps).

Where the C library is glibc, set MALLOC_MMAP_THRESHOLD_=33554432 and
MALLOC_TRIM_THRESHOLD_=17179869184: otherwise one of two equal trainings may be
slower by some percent, as its memory lies.
"""
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import Hook
from mmengine.runner import Runner
from scipy.stats import bootstrap
from torch.multiprocessing import get_context, start_processes

from mmmix.checkpoint.saving import WholeFileBackend
from mmmix.cli import (add_cfg_options, build_runner, command_parser,
                       load_config, set_loader_defaults)
from mmmix.cli.models import analysis_run
from mmmix.environment import silent_import
from mmmix.progress import QUIET, Progress

CONFIG = 'vanilla/vit-xs_vanilla_1xb64-10e_synthetic.py'
BACKENDS = dict(mmmix=WholeFileBackend, MMEngine=LocalBackend)
BUILDERS = dict(mmmix=build_runner, MMEngine=Runner.from_cfg)
WARM_UP = 5  # steps that are not timed


def parse_args():
    parser = command_parser(__doc__)
    parser.add_argument(
        '--config', default=CONFIG, help='which training; small, please')
    parser.add_argument('--epochs', type=int, default=50)
    add_cfg_options(parser)
    return parser.parse_args()


class TurnHook(Hook):
    """Runs a step of one training, then lets the other one run a step."""

    priority = 'LOWEST'  # after the checkpoint

    def __init__(self, mine, other):
        self.mine, self.other = mine, other
        self.seconds = []

    def before_train(self, runner):
        self._begin()

    def after_train_iter(self, *_, **__):
        self.seconds.append(time.perf_counter() - self.start)
        self.progress.advance()
        self.other.release()
        self._begin()

    def _begin(self):
        self.mine.acquire()
        self.start = time.perf_counter()


def run(rank, cfg, folder, turns):
    """Train in a process of its own, and save the seconds of each step."""
    kind = [*BUILDERS][rank]
    register_backend('local', BACKENDS[kind], force=True, prefixes='')
    cfg.work_dir = str(folder / kind)
    cfg.experiment_name = kind
    hook = TurnHook(turns[rank], turns[1 - rank])
    with silent_import():
        runner = BUILDERS[kind](cfg)
    runner.register_hook(hook)
    if rank:  # one bar is enough
        os.environ[QUIET] = '1'
    with Progress('timing', runner.max_iters, 'pairs') as hook.progress:
        runner.train()
    np.save(folder / kind, hook.seconds[WARM_UP:])
    hook.other.release()


def train(cfg, folder):
    """The seconds of each step, by the kind of the training."""
    fork = get_context('fork')
    turns = [fork.Semaphore(1), fork.Semaphore(0)]
    start_processes(run, (cfg, folder, turns), 2, start_method='fork')
    return {kind: np.load(folder / f'{kind}.npy') for kind in BUILDERS}


def typical(own, base, axis):
    """The median ratio of a step to its neighbour."""
    return np.median(own / base, axis)


def whole(own, base, axis):
    """The ratio of all the time."""
    return own.sum(axis) / base.sum(axis)


def text_of(ratio, *steps):
    """A ratio, and between which values it lies."""
    found = bootstrap(
        steps,
        ratio,
        paired=True,
        n_resamples=2000,
        method='percentile',
        rng=0)
    low, high = found.confidence_interval
    return f'{ratio(*steps, axis=-1):.4f} ({low:.4f} to {high:.4f})'


def main():
    args = parse_args()
    with analysis_run(args):
        cfg = load_config(args.config, args.cfg_options)
        cfg.train_cfg.max_epochs = args.epochs
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        set_loader_defaults(cfg)
        with tempfile.TemporaryDirectory() as folder:
            seconds = train(cfg, Path(folder))
    own, base = seconds['mmmix'], seconds['MMEngine']
    print(f'{len(own)} pairs of steps\n\n'
          '| training | ms a step, median | a step, x MMEngine | '
          'all of the time, x MMEngine |\n|---|---|---|---|\n'
          f'| MMEngine | {1000 * np.median(base):.1f} | 1 | 1 |\n'
          f'| mmmix | {1000 * np.median(own):.1f} | '
          f'{text_of(typical, own, base)} | {text_of(whole, own, base)} |')


if __name__ == '__main__':
    main()
