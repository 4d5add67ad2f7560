"""Imported by the runs that the tests stop."""
import multiprocessing
import os
import signal
from pathlib import Path

from mmengine.dist import get_rank
from mmengine.hooks import CheckpointHook, Hook

from mmmix.registry import HOOKS


class Stopped(BaseException):
    """A run was stopped as if it had been killed."""


@HOOKS.register_module()
class OwnCheckpointHook(CheckpointHook):
    """One of a user, that knows nothing of mmmix's."""


@HOOKS.register_module()
class StoppingHook(Hook):
    """Note each loss, and stop the run after so many iterations.

    Args:
        after (int): Iterations; a resumed run is stopped at the same.
        by (str): Signal that this process sends itself; none raises Stopped.
        rank (int): The process that stops.
    """
    priority = 'LOWEST'

    def __init__(self, after=-1, by=None, rank=0):
        self.after, self.by, self.rank = after, by, rank

    def after_train_iter(self,
                         runner,
                         batch_idx,
                         data_batch=None,
                         outputs=None):
        loss = outputs['loss'].item().hex()
        path = Path(runner.work_dir, f'losses_{get_rank()}.txt')
        with path.open('a') as file:
            file.write(f'{runner.iter} {batch_idx} {loss}\n')
        if runner.iter + 1 == self.after and get_rank() == self.rank:
            if self.by is None:
                for worker in multiprocessing.active_children():
                    worker.terminate()  # else the loader waits for them
                raise Stopped
            os.kill(os.getpid(), getattr(signal, self.by))
