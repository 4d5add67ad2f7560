import os
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import CheckpointHook as _CheckpointHook
from mmengine.optim import OptimWrapperDict
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel

from mmmix.checkpoint.saving import write_whole
from mmmix.engine import rank_states
from mmmix.private import has_train_loop, is_resuming
from mmmix.registry import HOOKS

KEY = 'rank_states'


@HOOKS.register_module()
class CheckpointHook(_CheckpointHook):
    """MMEngine's ``CheckpointHook``, from whose checkpoints a run goes on
    exactly, and which removes an old one (``max_keep_ckpts``, ``save_best``)
    only after the new one is saved, and only from its own folder.

    A checkpoint also holds (``rank_states``) in which buffers the other
    processes differ from the first, and the gradients of passes whose
    accumulation is not complete.

    Args:
        **kwargs: Of the parent.

    >>> default_hooks = dict(
    ...     checkpoint=dict(type='CheckpointHook', max_keep_ckpts=2))
    """
    _states: Optional[List[rank_states.State]] = None
    _counts: Dict[str, int] = {}  # epoch and iteration of a validation

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Note the states of the processes that a resumed run had."""
        if is_resuming(runner):
            self._states = checkpoint.get(KEY)

    def before_train(self, runner) -> None:
        """Restore the state of this process, and find the best checkpoints of
        a work directory that was moved or copied."""
        super().before_train(runner)
        if getattr(self, 'best_ckpt_path', None):
            self.best_ckpt_path = self._here(self.best_ckpt_path)
        best = getattr(self, 'best_ckpt_path_dict', {})
        best.update({key: self._here(best[key]) for key in best if best[key]})
        states, self._states = self._states, None
        if states and len(states) == get_world_size():
            rank_states.restore(_modules(runner), states)
            if states[0]['gradients']:
                runner.logger.info(
                    'The gradients that waited for the next step of the '
                    'optimizer were in the checkpoint: none is lost.')

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Save the states of all processes, where they were asked for, and
        after a validation its epoch and iteration, of which FlexibleRunner
        counts one too many."""
        if self._states:
            checkpoint[KEY] = self._states
        checkpoint['meta'].update(self._counts)

    def _save_checkpoint_with_step(self, runner, step, meta) -> None:
        # all processes come here; only the first saves
        with self.having_states(runner), self._removing_last():
            super()._save_checkpoint_with_step(runner, step, meta)

    @contextmanager
    def having_states(self, runner) -> Iterator[None]:
        """Let what is saved inside hold the states of all processes."""
        pending = _gradients_wait(runner.optim_wrapper)
        if pending and isinstance(runner.model, FullyShardedDataParallel):
            runner.logger.warning(
                'The gradients that wait for the next step of the optimizer '
                'are sharded and not saved: a run that is resumed from this '
                'checkpoint will not be exact. Save after a multiple of '
                'accumulative_counts passes.')
            pending = False
        self._states = rank_states.collect(_modules(runner), pending)
        try:
            yield
        finally:
            self._states, self._counts = None, {}

    def _save_best_checkpoint(self, runner, metrics) -> None:
        if not (self.save_best and has_train_loop(runner)):
            return
        self._counts = dict(epoch=runner.epoch, iter=runner.iter)
        with self.having_states(runner), self._removing_last():
            super()._save_best_checkpoint(runner, metrics)

    def _here(self, path: str) -> str:
        """The file of the same name in the folder of this run, if there is
        one."""
        own = self.file_backend.join_path(self.out_dir, os.path.basename(path))
        return own if self.file_backend.exists(own) else path

    @contextmanager
    def _removing_last(self) -> Iterator[None]:
        """Put off what is removed inside to the end of the context; after an
        error nothing is removed."""
        backend = self.file_backend
        later = _RemovingLater(backend, self.out_dir)
        self.file_backend = later
        try:
            yield
        finally:
            self.file_backend = backend
        current = {
            self.last_ckpt,
            getattr(self, 'best_ckpt_path', None),
            *getattr(self, 'best_ckpt_path_dict', {}).values()
        }
        for path in later.removed:
            if path in current:  # the new one has the same name
                continue
            if backend.isdir(path):
                backend.rmtree(path)
            else:
                backend.remove(path)


def save_now(runner: Any) -> Optional[str]:
    """Save a run that is to stop after this iteration, whatever the interval;
    all processes have to call it.

    Returns:
        str, optional: The checkpoint, of a name of its own, ``stopped.pth``.
        None if the run saves none: it has no hook for it.
    """
    hook = next((h for h in runner.hooks if isinstance(h, _CheckpointHook)),
                None)
    if hook is None:
        return None
    path = hook.file_backend.join_path(hook.out_dir, 'stopped.pth')
    ours = isinstance(hook, CheckpointHook)
    with hook.having_states(runner) if ours else nullcontext():
        runner.save_checkpoint(
            hook.out_dir,
            'stopped.pth',
            meta=dict(epoch=runner.epoch, iter=runner.iter + 1),
            by_epoch=False,
            backend_args=hook.backend_args)
    if is_main_process():
        write_whole(path.encode(), Path(runner.work_dir, 'last_checkpoint'))
    return path


class _RemovingLater:
    """A file backend that only notes what is to be removed, and sees no other
    folder: the best checkpoint may be that of the run that was resumed."""

    def __init__(self, backend: Any, folder: str):
        self.backend = backend
        self.folder = folder
        self.removed: List[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def isfile(self, path: str) -> bool:
        return self._is_here(path) and self.backend.isfile(path)

    def isdir(self, path: str) -> bool:
        return self._is_here(path) and self.backend.isdir(path)

    def _is_here(self, path: str) -> bool:
        return str(path).startswith(self.backend.join_path(self.folder, ''))

    def remove(self, path: str) -> None:
        self.removed.append(path)

    rmtree = remove


def _modules(runner: Any) -> nn.Module:
    """The model and its moving averages."""
    averages = [
        getattr(hook, name) for hook in runner.hooks
        for name in ('ema_model', 'average')
        if isinstance(getattr(hook, name, None), nn.Module)
    ]
    return nn.ModuleList([runner.model, *averages])


def _gradients_wait(wrapper: Any) -> bool:
    """Whether the optimizer, or one of several, is amid an accumulation."""
    wrappers = wrapper.values() if isinstance(wrapper,
                                              OptimWrapperDict) else [wrapper]
    return any(not one.should_update() for one in wrappers)
