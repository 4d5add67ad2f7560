"""Trainings that report to a person: progress on the terminal, the log in a
file."""
import sys
import time
from pathlib import Path

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from mmmix.cli.config import set_loader_defaults
from mmmix.cli.lock import claim_work_dir
from mmmix.environment import silent_import


class ProgressHook(Hook):
    """Shows the loss of each epoch and the accuracy of each evaluation: on a
    terminal beside a bar, elsewhere a line for each.

    Args:
        name (str): The name of the training.
    """

    def __init__(self, name: str):
        self.name = name
        # writes to the terminal, also where sys.stdout is silenced later
        self.console = Console(file=sys.stdout)
        self.progress = Progress(
            *Progress.get_default_columns(),
            TimeElapsedColumn(),
            TextColumn('{task.fields[status]}'),
            console=self.console,
            disable=not self.console.is_terminal)

    def before_train(self, runner) -> None:
        self.progress.add_task(self.name, total=runner.max_iters, status='')

    def after_train_iter(self, runner, *args, **kwargs) -> None:
        self.progress.advance(self.progress.tasks[0].id)

    def after_train_epoch(self, runner) -> None:
        loss = runner.message_hub.get_scalar('train/loss')
        # the epoch is counted after this hook
        self._show(f'loss {loss.mean(len(runner.train_dataloader)):.3f}',
                   runner, runner.epoch + 1)

    def after_val_epoch(self, runner, metrics=None) -> None:
        if 'accuracy/top1' in metrics:
            self._show(f'accuracy {metrics["accuracy/top1"]:.1f} %', runner,
                       runner.epoch)

    def _show(self, status: str, runner: Runner, epoch: int) -> None:
        task, = self.progress.tasks
        self.progress.update(task.id, status=status)
        if not self.console.is_terminal:
            left = task.elapsed * (task.total / task.completed - 1)
            self.console.print(
                f'{self.name}: epoch {epoch} of {runner.max_epochs}, '
                f'{status}, time left {left:.0f} s')


def train_with_progress(cfg: Config, name: str) -> Runner:
    """Train a config; on the terminal only its progress is seen.

    Args:
        cfg (Config): The config of the run, with its work directory.
        name (str): What to call the training.

    Returns:
        Runner: The runner after the training.
    """
    set_loader_defaults(cfg)
    claim_work_dir(cfg.work_dir)
    # runs that start in the same second would otherwise share a log
    cfg.experiment_name = f'{Path(cfg.filename).stem}_{time.time_ns()}'
    hook = ProgressHook(name)
    # silences the log, too, which keeps its file, and what the toolboxes print
    with silent_import():
        runner = Runner.from_cfg(cfg)
        runner.register_hook(hook, priority='VERY_LOW')
        with hook.progress:
            runner.train()
    return runner
