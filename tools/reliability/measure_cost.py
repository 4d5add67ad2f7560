"""Time short trainings as mmmix runs them, as a multiple of MMEngine's own.

Randomness that is derived for each sample, checkpoints that are written beside
and flushed to the disk, and data loading that is watched are on or off; model,
data and mixing are the same. In every repeat both are trained, one after the
other, in turns the one and the other first; a checkpoint is saved after each
epoch. The median and the quartiles of the ratios are printed.
"""
import tempfile
import time
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from mmengine.device import get_device
from mmengine.fileio import LocalBackend, register_backend
from mmengine.runner import Runner

from mmmix.analysis.training_cost import seconds_of
from mmmix.checkpoint.saving import WholeFileBackend
from mmmix.cli import (add_cfg_options, build_runner, load_config,
                       set_loader_defaults)
from mmmix.cli.models import analysis_parser, analysis_run
from mmmix.environment import silent_import
from mmmix.progress import track

CONFIG = 'vanilla/vit-xs_vanilla_1xb64-10e_synthetic.py'
BACKENDS = dict(mmmix=WholeFileBackend, MMEngine=LocalBackend)
BUILDERS = dict(mmmix=build_runner, MMEngine=Runner.from_cfg)


def parse_args():
    parser = analysis_parser(__doc__)
    parser.add_argument(
        '--config', default=CONFIG, help='which training; small, please')
    parser.add_argument('--epochs', type=int, default=4)
    parser.add_argument('--repeats', type=int, default=10)
    add_cfg_options(parser)
    return parser.parse_args()


@contextmanager
def saving_by(backend):
    """Let MMEngine write local files by a backend."""
    register_backend('local', backend, force=True, prefixes='')
    try:
        yield
    finally:
        register_backend('local', WholeFileBackend, force=True, prefixes='')


def train(kind, cfg, folder):
    """Seconds of a training, without those in which it is built."""
    cfg = deepcopy(cfg)
    cfg.work_dir = str(folder / kind)
    cfg.experiment_name = f'{kind}_{time.time_ns()}'
    with silent_import(), saving_by(BACKENDS[kind]):
        runner = BUILDERS[kind](cfg)
        return seconds_of(runner.train, torch.device(get_device()))


def main():
    args = parse_args()
    with analysis_run(args):
        cfg = load_config(args.config, args.cfg_options)
        cfg.train_cfg.max_epochs = args.epochs
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        set_loader_defaults(cfg)
        kinds, seconds = [*BUILDERS], {kind: [] for kind in BUILDERS}
        with tempfile.TemporaryDirectory() as folder:
            for _ in track(range(args.repeats), 'timing', 'repeats'):
                for kind in kinds:
                    seconds[kind].append(train(kind, cfg, Path(folder)))
                kinds.reverse()
    ratios = np.divide(*seconds.values())
    low, middle, high = np.percentile(ratios, (25, 50, 75))
    print('| training | seconds, median | x MMEngine | quartiles |\n'
          '|---|---|---|---|')
    print(f'| MMEngine | {np.median(seconds["MMEngine"]):.2f} | 1 | |\n'
          f'| mmmix | {np.median(seconds["mmmix"]):.2f} | {middle:.4f} | '
          f'{low:.4f} to {high:.4f} |')


if __name__ == '__main__':
    main()
