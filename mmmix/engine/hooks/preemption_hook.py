import os
import signal
import threading
from bisect import bisect
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Optional

from mmengine.dist import barrier, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop

from mmmix.engine.hooks.checkpoint_hook import save_now
from mmmix.engine.lr_scaling import passes_per_step
from mmmix.private import default_store, is_resuming

AGAIN = 75  # EX_TEMPFAIL: start the run again with --resume
SIGNALS = [
    getattr(signal, name) for name in ('SIGTERM', 'SIGINT', 'SIGUSR1')
    if hasattr(signal, name)
]
KEY = 'mmmix/last_iteration'
STOPPED = 'stopped'  # in a checkpoint


class PreemptionHook(Hook):
    """End a run that is asked to stop: finish the step, save, exit with
    :data:`AGAIN`; with 1 if the config of the run says to save nothing.

    It is asked by SIGTERM, SIGINT or SIGUSR1, which Slurm sends before the
    time limit; a second SIGINT stops at once. Of several processes one is
    enough: they agree on the iteration after which all stop, through the store
    by which they found each other, so without waiting for a GPU.

    A loop of iterations validates after the hooks of an iteration: where it
    was to validate after the last one, the resumed run does so first. So does
    a run that was killed after its last checkpoint, and has nothing to train.

    See :func:`saving_when_stopped`.
    """
    priority = 'LOWEST'  # after all that a step updates

    def __init__(self) -> None:
        self.signal: Optional[signal.Signals] = None
        self.last: Optional[int] = None
        self.validating = self.validated = False
        self.process = os.getpid()

    def receive(self, number: int, frame: Any) -> None:
        """Note a signal."""
        again = self.signal is not None
        self.signal = signal.Signals(number)
        if os.getpid() != self.process:
            # a worker of the data loader, which the signal of a whole group
            # reached too: it goes on, unless it is asked twice
            if again:
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
        elif again and number == signal.SIGINT:
            raise KeyboardInterrupt

    def after_train_iter(self, runner, *args, **kwargs) -> None:
        """Stop, if it is time to."""
        if get_world_size() > 1:
            self._agree(runner)
        elif self.signal is not None:
            self.last = runner.iter
        if self.last is None or runner.iter < self.last:
            return
        path = save_now(runner)
        runner.logger.warning(
            f'The run stops after iteration {runner.iter + 1}, as it was '
            'asked to, and ' +
            (f'is saved to {path}. --resume goes on.'
             if path else 'is not saved: its config has no CheckpointHook.'))
        barrier()  # a launcher ends the others when the first has exited
        raise SystemExit(AGAIN if path else 1)

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Note that no validation will follow."""
        checkpoint[STOPPED] = self.last is not None and (runner.iter
                                                         >= self.last)

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Note whether a validation may be missing."""
        self.validating = is_resuming(runner) and checkpoint.get(
            STOPPED, False)

    def before_train(self, runner) -> None:
        """Note where the training goes on."""
        self.start = runner.iter

    def after_val_epoch(self, runner, metrics=None) -> None:
        """Note that there was a validation."""
        self.validated = True

    def after_train(self, runner) -> None:
        """Validate, if there was nothing left to do else."""
        loop = runner.train_loop
        at = runner.epoch if isinstance(loop, EpochBasedTrainLoop) \
            else runner.iter
        if (runner.iter == self.start and runner.val_loop
                and not self.validated and at >= loop.val_begin):
            runner.val_loop.run()

    def before_train_epoch(self, runner) -> None:
        """Validate, if the run was stopped before it could."""
        if self.validating and _validates_now(runner):
            runner.val_loop.run()
        self.validating = False

    def _agree(self, runner) -> None:
        """Read which iteration is the last, or propose one."""
        if self.last is not None:
            return
        store = default_store()
        # counters alone: torch 2.1 has no `check`, and its `compare_set` may
        # crash
        if self.signal is not None and store.add(f'{KEY}_proposals', 1) == 1:
            # the others meet this process in the backward pass of each step
            # of the optimizer, and can be ahead of it as far as to the next
            store.add(KEY, runner.iter + 2 + passes_per_step(runner.cfg))
        number = store.add(KEY, 0)  # of the last iteration, from 1
        if not number:
            return
        self.last = number - 1
        if self.signal is not None:
            runner.logger.warning(
                f'{self.signal.name}: all processes stop after iteration '
                f'{number}.')


def _validates_now(runner) -> bool:
    """Whether a loop of iterations validates at the one where it is, even if
    it were not the last."""
    loop, number = runner.train_loop, runner.iter
    if not isinstance(loop, IterBasedTrainLoop) or runner.val_loop is None:
        return False
    phase = bisect(loop.dynamic_milestones, number + 1) - 1
    return (number >= loop.val_begin
            and number % loop.dynamic_intervals[phase] == 0)


@contextmanager
def handling_signals(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Give the signals that ask a process to stop to a handler, inside the
    context."""
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@contextmanager
def saving_when_stopped(runner: Any) -> Iterator[None]:
    """Give a runner a :class:`PreemptionHook`, and the signals to the hook,
    inside the context; in the main thread only, which alone can receive
    them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    hook = PreemptionHook()
    runner.register_hook(hook)
    with handling_signals(hook.receive):
        yield
