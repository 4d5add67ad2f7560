import json
from collections import Counter
from pathlib import Path
from typing import Any, List, Tuple

from mmengine.dist import all_gather_object, get_rank, is_main_process
from mmengine.hooks import Hook

from mmmix.datasets.watched_pipeline import WatchedPipeline, leaves
from mmmix.errors import MmmixError
from mmmix.registry import HOOKS

LISTED = 20  # skipped files in the log; all are in the file
SKIPPED = 'skipped_files.txt'


@HOOKS.register_module()
class LoadingHook(Hook):
    """Say what the loading of the data waits for, and what it skipped.

    - A sample that is being loaded for ``slow_after`` seconds is named in the
      log, with the process that loads it and the step of the pipeline: by
      file, or by place and data set. It is named again when the time has
      doubled. The run waits on.
    - A sample on which a step of the pipeline fails is named.
    - Files that ``on_error='skip'`` skipped are counted over all epochs,
      processes and workers. At the end of the training they are listed in
      the log, and all of them in ``skipped_files.txt`` beside it: how often,
      path, reason. A run that ends early leaves its notes there,
      ``skipped_files_RANK.jsonl``.

    Args:
        slow_after (float): Seconds, positive. Defaults to 60.

    Raises:
        MmmixError: If ``slow_after`` is not positive.

    >>> default_hooks = dict(
    ...     loading=dict(type='mmmix.LoadingHook', slow_after=60))
    """
    priority = 'LOW'  # after hooks that exchange a pipeline

    def __init__(self, slow_after: float = 60):
        if not slow_after > 0:
            raise MmmixError('`slow_after` must be a positive number of '
                             f'seconds, not {slow_after!r}.')
        self.slow_after = slow_after

    def before_train_epoch(self, runner) -> None:
        """Watch, before workers start."""
        self._watch(runner, runner.train_dataloader.dataset)

    def before_val_epoch(self, runner) -> None:
        """Watch."""
        self._watch(runner, runner.val_dataloader.dataset)

    def before_test_epoch(self, runner) -> None:
        """Watch."""
        self._watch(runner, runner.test_dataloader.dataset)

    def _watch(self, runner, dataset: Any) -> None:
        for leaf in leaves(dataset,
                           lambda node, key: getattr(node, key, None)):
            pipeline = getattr(leaf, 'pipeline', None)
            if isinstance(
                    pipeline,
                    WatchedPipeline) or not hasattr(pipeline, 'transforms'):
                continue
            leaf.pipeline = WatchedPipeline(pipeline, self.slow_after,
                                            type(leaf).__name__,
                                            getattr(leaf, 'test_mode', False))
            for step in pipeline.transforms:
                if hasattr(step, 'bad_files'):
                    step.bad_files.notes = str(_notes(runner))

    def after_train(self, runner) -> None:
        """Count and list what all processes skipped."""
        notes = _notes(runner)
        lines = notes.read_text('ascii').splitlines() if notes.exists() else []
        skipped = sum(all_gather_object([*map(json.loads, lines)]), [])
        if skipped and is_main_process():
            self._list(runner, skipped)
        notes.unlink(missing_ok=True)

    def _list(self, runner, skipped: List[Tuple[str, str]]) -> None:
        times, reasons = Counter(path for path, _ in skipped), dict(skipped)
        rows = [
            f'{times[path]}\t{json.dumps(path, ensure_ascii=False)}\t{reason}'
            for path, reason in sorted(reasons.items())
        ]
        path = Path(runner.log_dir, SKIPPED)
        path.write_text(
            '\n'.join(['times\tfile\treason', *rows, '']),
            encoding='utf-8',
            errors='backslashreplace')
        more = [f'... {len(rows) - LISTED} more'] if rows[LISTED:] else []
        runner.logger.warning('\n'.join([
            f'{len(rows)} files could not be decoded and were skipped, '
            f'{len(skipped)} times in all: {path}', *rows[:LISTED], *more
        ]))


def _notes(runner) -> Path:
    """What the processes of this rank note."""
    return Path(runner.log_dir, f'skipped_files_{get_rank()}.jsonl')
