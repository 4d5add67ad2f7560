from contextlib import contextmanager
from typing import Any, Iterator, List

from mmengine.hooks import CheckpointHook as _CheckpointHook

from mmmix.registry import HOOKS


@HOOKS.register_module()
class CheckpointHook(_CheckpointHook):
    """MMEngine's ``CheckpointHook``, which removes an old checkpoint
    (``max_keep_ckpts``, ``save_best``) only after the new one is saved.

    Args:
        **kwargs: Of the parent.

    >>> default_hooks = dict(
    ...     checkpoint=dict(type='CheckpointHook', max_keep_ckpts=2))
    """

    def _save_checkpoint_with_step(self, runner, step, meta) -> None:
        with self._removing_last():
            super()._save_checkpoint_with_step(runner, step, meta)

    def _save_best_checkpoint(self, runner, metrics) -> None:
        with self._removing_last():
            super()._save_best_checkpoint(runner, metrics)

    @contextmanager
    def _removing_last(self) -> Iterator[None]:
        """Put off what is removed inside to the end of the context; after an
        error nothing is removed."""
        if not hasattr(self, 'file_backend'):  # nothing is trained
            yield
            return
        backend = self.file_backend
        later = _RemovingLater(backend)
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


class _RemovingLater:
    """A file backend that only notes what is to be removed."""

    def __init__(self, backend: Any):
        self.backend = backend
        self.removed: List[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def remove(self, path: str) -> None:
        self.removed.append(path)

    rmtree = remove
