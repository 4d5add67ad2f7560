"""Runs that report to a person: progress on the terminal, the log in its
file."""
import logging
import time
from typing import Callable, List, Optional

import torch
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


class QuietRunner(Runner):
    """MMEngine's runner, whose log goes to its file alone."""

    def build_logger(self, *args, **kwargs):
        logger = super().build_logger(*args, **kwargs)
        logger.handlers = [
            handler for handler in logger.handlers
            if isinstance(handler, logging.FileHandler)
        ]
        return logger


class ProgressHook(Hook):
    """One progress bar for a training; keeps the time of each step.

    Away from a terminal a line takes the bar's place, whenever there is
    something new to say.

    Args:
        name (str): What is trained.
        console (Console): Where to draw.
        after_epoch (Callable, optional): What to say of a runner after an
            epoch of training, such as 'loss 0.123'.
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
