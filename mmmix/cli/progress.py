"""Runs that report to a person: a line for each epoch, the log in a file."""
import time
from pathlib import Path
from typing import Any, Optional

from mmengine.config import Config
from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner

from mmmix.cli.config import set_loader_defaults
from mmmix.cli.lock import claim_work_dir
from mmmix.environment import silent_import
from mmmix.progress import Progress, duration

# what a validation is told by, the first of them that it has
METRICS = {
    'accuracy/top1': 'accuracy {:.1f} %',
    'mIoU': 'mIoU {:.1f} %',
    'coco/segm_mAP': 'mask AP {:.3f}',
    'coco/bbox_mAP': 'box AP {:.3f}',
}


class ProgressHook(Hook):
    """Says after each epoch, or each validation of a run in iterations, what
    was reached, how many images a second were trained, and the time left.

    Args:
        name (str, optional): The name of a training that shows a bar on a
            terminal, see :class:`mmmix.progress.Progress`. Defaults to None:
            the lines are part of the run's log.
    """

    priority = 'VERY_LOW'

    def __init__(self, name: Optional[str] = None):
        self.name = name
        self.progress: Optional[Progress] = None
        self._pending = ''
        self._by_iters = False

    def before_train(self, runner: Runner) -> None:
        self._iters, self._begin = runner.iter, time.perf_counter()
        self._by_iters = isinstance(runner.train_loop, IterBasedTrainLoop)
        self._reset()
        if self.name is not None:
            self.progress = Progress(
                self.name,
                runner.max_iters - runner.iter,
                'iterations',
                every=None)
            self.progress.__enter__()

    def before_train_epoch(self, runner: Runner) -> None:
        self._flush(runner)
        self._reset()

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Any = None,
                         outputs: Any = None) -> None:
        self._images += _count(data_batch) * get_world_size()
        self._steps += 1
        if self.progress is not None:
            self.progress.advance()

    def after_train_epoch(self, runner: Runner) -> None:
        self._pending = self._trained(runner, ahead=1)

    def before_val_epoch(self, runner: Runner) -> None:
        if self._by_iters:
            self._pending = self._trained(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        self._flush(runner, _reached(metrics))
        self._reset()

    def after_train(self, runner: Runner) -> None:
        self._flush(runner)
        self.close()

    def before_test_epoch(self, runner: Runner) -> None:
        self._reset()

    def after_test_iter(self,
                        runner: Runner,
                        batch_idx: int,
                        data_batch: Any = None,
                        outputs: Any = None) -> None:
        self._images += _count(data_batch) * get_world_size()

    def after_test_epoch(self, runner: Runner, metrics: dict) -> None:
        took = time.perf_counter() - self._since
        self._say(
            runner, ', '.join(
                filter(None, [
                    f'tested {self._images:,} images in {duration(took)}',
                    _reached(metrics), f'{self._images / took:,.0f} images/s'
                ])))

    def close(self) -> None:
        """Remove the bar."""
        if self.progress is not None:
            self.progress.__exit__()
            self.progress = None

    def _reset(self) -> None:
        """Start to count anew."""
        self._images = self._steps = 0
        self._since = time.perf_counter()

    def _trained(self, runner: Runner, ahead: int = 0) -> str:
        """What was trained since the last line: loss and speed."""
        if not self._steps:
            return ''
        loss = runner.message_hub.get_scalar('train/loss').mean(self._steps)
        seconds = time.perf_counter() - self._since
        if self._by_iters:
            place = f'iteration {runner.iter} of {runner.max_iters}'
        else:  # the epoch is counted after the hook
            place = f'epoch {runner.epoch + ahead} of {runner.max_epochs}'
        return (f'{place}: loss {loss:.3f}{{}}, '
                f'{self._images / seconds:,.0f} images/s, {{}} left')

    def _flush(self, runner: Runner, reached: str = '') -> None:
        """Say what is pending, with what a validation reached."""
        if self._pending:
            done = runner.iter - self._iters
            seconds = time.perf_counter() - self._begin
            left = seconds * (runner.max_iters - runner.iter) / max(done, 1)
            self._say(
                runner,
                self._pending.format(reached and f', {reached}',
                                     duration(left)))
        self._pending = ''

    def _say(self, runner: Runner, text: str) -> None:
        if not is_main_process():
            return
        if self.progress is not None:
            self.progress.say(text)
        else:
            runner.logger.info(text)


def _count(batch: Any) -> int:
    """How many images a batch of a data loader has."""
    if not isinstance(batch, dict):
        return 0
    images = batch.get('data_samples')
    if images is None:
        images = batch['inputs']
    if isinstance(images, dict):  # of branches that have all of the batch
        images = next(iter(images.values()), ())
    # of several views of each image, as a TTA has them, there is a list each
    views = isinstance(images, (list, tuple)) and images and isinstance(
        images[0], (list, tuple))
    return len(images[0] if views else images)


def _reached(metrics: Optional[dict]) -> str:
    """What a validation or a test reached, in a few words."""
    for key, text in METRICS.items():
        if key in (metrics or {}):
            return text.format(metrics[key])
    return ''


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
        runner.register_hook(hook)
        try:
            runner.train()
        finally:
            hook.close()
    return runner
