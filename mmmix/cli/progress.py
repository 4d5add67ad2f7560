"""Trainings that report to a person: progress on the terminal, the log in a
file."""
import logging
import time
from pathlib import Path
from typing import Callable, List, Optional

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mmmix.cli.config import set_loader_defaults
from mmmix.environment import silent_import


class QuietRunner(Runner):
    """MMEngine's runner, with a log that goes to its file alone."""

    def build_logger(self, *args, **kwargs):
        logger = super().build_logger(*args, **kwargs)
        logger.handlers = [
            handler for handler in logger.handlers
            if isinstance(handler, logging.FileHandler)
        ]
        return logger


class ProgressHook(Hook):
    """Shows the progress of a training, and keeps the time of each step.

    On a terminal it is a bar, elsewhere a line after each epoch or
    evaluation.

    Args:
        name (str): The name of the training.
        console (Console): Where to draw.
        after_epoch (Callable, optional): Returns the status of a runner after
            an epoch of training, such as 'loss 0.123'.
        after_evaluation (Callable, optional): The same after an evaluation.
    """

    def __init__(self,
                 name: str,
                 console: Console,
                 after_epoch: Optional[Callable[[Runner], str]] = None,
                 after_evaluation: Optional[Callable[[Runner], str]] = None):
        self.name = name
        self.console = console
        self.after_epoch = after_epoch
        self.after_evaluation = after_evaluation
        self.seconds: List[float] = []
        self.progress = Progress(
            TextColumn('{task.description}'),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn('steps, {task.fields[status]}'),
            TimeElapsedColumn(),
            TextColumn('time left'),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal)

    def before_train(self, runner) -> None:
        self.task = self.progress.add_task(
            self.name, total=runner.max_iters, status='')
        self.begin = time.perf_counter()
        self.progress.start()

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        self.step_begin = time.perf_counter()

    def after_train_iter(self,
                         runner,
                         batch_idx,
                         data_batch=None,
                         outputs=None) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds.append(time.perf_counter() - self.step_begin)
        self.progress.advance(self.task)

    def after_train_epoch(self, runner) -> None:
        if self.after_epoch:
            # the epoch is counted after this hook
            self._say(self.after_epoch(runner), runner, runner.epoch + 1)

    def after_val_epoch(self, runner, metrics=None) -> None:
        if self.after_evaluation:
            self._say(self.after_evaluation(runner), runner, runner.epoch)

    def after_train(self, runner) -> None:
        self.progress.stop()

    def _say(self, status: str, runner: Runner, epoch: int) -> None:
        self.progress.update(self.task, status=status)
        if not self.console.is_terminal:
            spent = time.perf_counter() - self.begin
            left = spent * (runner.max_iters / max(runner.iter, 1) - 1)
            self.console.print(
                f'{self.name}: epoch {epoch} of {runner.max_epochs}, '
                f'{status}, time left {left:.0f} s')


def train_with_progress(cfg: Config, progress: ProgressHook) -> Runner:
    """Train a config; on the terminal only its progress is seen.

    Args:
        cfg (Config): The config of the run, with its work directory.
        progress (ProgressHook): Shows the progress, on a console that writes
            to the ``sys.stdout`` of before the call.

    Returns:
        Runner: The runner after the training.
    """
    set_loader_defaults(cfg)
    # runs that start in the same second would otherwise share a log
    cfg.experiment_name = f'{Path(cfg.filename).stem}_{time.time_ns()}'
    with silent_import():  # the toolboxes print, and warn, in training, too
        try:
            runner = QuietRunner.from_cfg(cfg)
            runner.register_hook(progress, priority='VERY_LOW')
            runner.train()
        finally:
            progress.progress.stop()
    return runner
