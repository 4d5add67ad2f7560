"""Progress that a person can read, the same in every long command.

On a terminal it is a bar; in a file or a pipe, a line now and then. It is
written to stderr, so that results can be piped; it is empty if ``--quiet`` was
given, and without colours where ``NO_COLOR`` is set.
"""
import os
import time
from typing import Collection, Iterator, Optional, TypeVar

from rich.console import Console
from rich.progress import BarColumn
from rich.progress import Progress as RichProgress
from rich.progress import TaskProgressColumn, TextColumn

T = TypeVar('T')
# an environment variable, so that processes that a command starts are quiet
# with it
QUIET = 'MMMIX_QUIET'


def is_quiet() -> bool:
    """Whether commands show no progress."""
    return bool(os.environ.get(QUIET))


def duration(seconds: float) -> str:
    """A duration in its two largest units.

    >>> duration(8), duration(200), duration(7500)
    ('8 s', '3 min 20 s', '2 h 5 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f'{whole} s'
    if whole < 3600:
        return f'{whole // 60} min {whole % 60} s'
    return f'{whole // 3600} h {whole % 3600 // 60} min'


class Progress:
    """Work under way: what is done, how fast, and the time that is left.

    Args:
        title (str): What is being done.
        total (int): How many units there are.
        unit (str): What is counted, in the plural. Defaults to 'images'.
        every (float, optional): Without a terminal, seconds between two lines;
            None writes only what :meth:`say` is given. Defaults to 30.

    >>> with Progress('drawing', 2) as progress:
    ...     progress.advance(2)
    ...     progress.done
    2
    """

    def __init__(self,
                 title: str,
                 total: int,
                 unit: str = 'images',
                 every: Optional[float] = 30):
        self.title, self.total, self.unit = title, total, unit
        self.every = every
        self.done = 0
        self.console = Console(stderr=True)
        # no thread refreshes it: that would disturb what is timed, and forks
        self.bar = RichProgress(
            TextColumn('{task.description}'),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn('{task.fields[status]}'),
            console=self.console,
            auto_refresh=False,
            redirect_stdout=False,
            disable=is_quiet() or not self.console.is_terminal)
        self._task = self.bar.add_task(title, total=total, status='')
        self._begin = self._shown = time.perf_counter()

    def __enter__(self) -> 'Progress':
        self.bar.start()
        return self

    def __exit__(self, *exception) -> None:
        self._show(time.perf_counter())
        self.bar.stop()

    @property
    def left(self) -> str:
        """The time that is left, at the speed until now."""
        seconds = time.perf_counter() - self._begin
        return duration(seconds * (self.total / max(self.done, 1) - 1))

    def advance(self, units: int = 1) -> None:
        """Count what has been done, and show it from time to time."""
        self.done += units
        now = time.perf_counter()
        if not self.bar.disable:
            if now - self._shown > 0.1:
                self._show(now)
        elif self.every is not None and now - self._shown > self.every:
            self._shown = now
            self.say(f'{self.done:,} of {self.total:,} {self.unit}, '
                     f'{self._speed(now)}, {self.left} left')

    def say(self, text: str) -> None:
        """Write a line that stays, on a terminal above the bar."""
        if not is_quiet():
            self.console.print(
                f'{self.title}: {text}',
                soft_wrap=True,
                markup=False,
                highlight=False)

    def _speed(self, now: float) -> str:
        speed = self.done / max(now - self._begin, 1e-9)
        return f'{speed:.3g} {self.unit}/s' if speed < 100 else (
            f'{speed:,.0f} {self.unit}/s')

    def _show(self, now: float) -> None:
        self._shown = now
        self.bar.update(
            self._task,
            completed=self.done,
            status=f'{self._speed(now)}, {self.left} left')
        self.bar.refresh()


def track(items: Collection[T],
          title: str,
          unit: str = 'images') -> Iterator[T]:
    """The items one by one, with their progress.

    Args:
        items (Collection): What is worked on.
        title, unit: See :class:`Progress`.

    >>> [item for item in track('ab', 'letters', 'letters')]
    ['a', 'b']
    """
    with Progress(title, len(items), unit) as progress:
        for item in items:
            yield item
            progress.advance()
