"""Pipelines that say what they are at, when it takes long or fails."""
import logging
import os
import threading
import time
import weakref
from typing import Any, Callable, Iterator, Optional

from mmengine.dataset import Compose
from mmengine.dist import get_rank, get_world_size
from mmengine.logging import print_log
from torch.utils.data import get_worker_info

from mmmix.errors import MmmixError


def leaves(node: Any, get: Callable) -> Iterator:
    """What is inside all wrappers of data sets, or of their configs.

    Args:
        node (Any): A data set or a config of one.
        get (Callable): ``get(node, key)`` is a part of it, None if it has
            none of this name.

    >>> cfg = dict(dataset=dict(datasets=[dict(type='A'), dict(type='B')]))
    >>> [leaf['type'] for leaf in leaves(cfg, dict.get)]
    ['A', 'B']
    """
    inner = get(node, 'dataset')
    inner = get(node, 'datasets') if inner is None else [inner]
    if inner is None:
        yield node
    for child in inner or ():
        yield from leaves(child, get)


class WatchedPipeline(Compose):
    """The steps of a pipeline, with a thread that names the sample which is
    being loaded if it takes long.

    There is one thread in each process that loads. It sleeps, and looks four
    times in ``slow_after``; a sample is named again whenever the time has
    doubled. If the steps raise an error, the sample is named, too.

    Args:
        pipeline (Compose): Its steps.
        slow_after (float): Seconds, positive.
        source (str): The data set, to name a sample that has no file.
        test_mode (bool): Whether a step that gives no sample is an error,
            which names it. Defaults to False.
    """

    def __init__(self,
                 pipeline: Compose,
                 slow_after: float,
                 source: str,
                 test_mode: bool = False):
        self.transforms = pipeline.transforms
        self.slow_after = slow_after
        self.source = source
        self.test_mode = test_mode
        self._at: Optional[tuple] = None  # since when, which sample, step
        self._process: Optional[int] = None

    def __call__(self, data: dict) -> Optional[dict]:
        """Load a sample."""
        if self._process != os.getpid():  # a thread stays behind in a fork
            self._process = os.getpid()
            threading.Thread(
                target=_watch, args=(weakref.ref(self), ),
                daemon=True).start()
        start, sample = time.monotonic(), data
        try:
            for step in self.transforms:
                self._at = start, sample, step
                data = step(data)
                if data is None:
                    break
        except Exception as error:
            if not isinstance(error, (MmmixError, FileNotFoundError)):
                print_log(
                    f'{type(step).__name__} failed on {self._name(sample)}, '
                    f'loaded by {_process()}.', 'current', logging.ERROR)
            raise
        finally:
            self._at = None
        if data is None and self.test_mode:
            raise MmmixError(
                f'{type(step).__name__} gives nothing for '
                f'{self._name(sample)}, but an evaluation leaves none out: '
                'replace it, or take it out of the data set.')
        return data

    def __getstate__(self) -> dict:
        return dict(vars(self), _at=None, _process=None)

    def _name(self, sample: dict) -> str:
        """The file or the place of a sample."""
        path = sample.get('img_path')
        place = sample.get('sample_idx', 'without a number')
        return repr(path) if path else f'sample {place} of {self.source}'

    def named_after(self, named: Optional[dict], limit: float) -> tuple:
        """Name the sample that is being loaded, if it takes long.

        Args:
            named (dict, optional): The sample that was named last.
            limit (float): Seconds after which that is named again.

        Returns:
            tuple: Both for the next time.
        """
        at = self._at
        if at is None:
            return None, self.slow_after
        start, sample, step = at
        if named is not sample:
            named, limit = sample, self.slow_after
        seconds = time.monotonic() - start
        if seconds >= limit:
            limit = 2 * seconds
            print_log(
                f'{_process()} has been loading {self._name(sample)} for '
                f'{seconds:.3g} s, now in {type(step).__name__}.', 'current',
                logging.ERROR)
        return named, limit


def _watch(pipeline: weakref.ref) -> None:
    """Look now and then, as long as there is a pipeline."""
    named, limit = None, 0.
    while (watched := pipeline()) is not None:
        named, limit = watched.named_after(named, limit)
        pause = watched.slow_after / 4
        del watched
        time.sleep(pause)


def _process() -> str:
    """Which process loads."""
    worker = get_worker_info()
    name = f'worker {worker.id}' if worker else 'the main process'
    return f'{name} of rank {get_rank()}' if get_world_size() > 1 else name
