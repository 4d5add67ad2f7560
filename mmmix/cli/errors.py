"""The messages with which the tools end on wrong input."""
import contextlib
import io
import re
import sys
import traceback
from typing import Iterable, Iterator, Optional

from mmcv.transforms import BaseTransform
from torch.utils.data import Dataset

from mmmix.checkpoint.saving import FULL, MAKE_ROOM, space_left
from mmmix.environment import shipped
from mmmix.errors import MmmixError

PAGE = 'docs/datasets.md'


@contextlib.contextmanager
def user_errors(*kinds: type) -> Iterator[None]:
    """End the process with the message of an error alone, and exit code 1.

    This holds for MmmixError, FileNotFoundError, FloatingPointError (a loss
    that is not finite) and an OSError on a full disk. Any other error may be
    a fault in a program and keeps its traceback. If the file of a data set is
    missing, the layout that the page of the data sets shows for it follows
    the message.

    Args:
        *kinds (type): More exceptions whose message is enough.

    Example:
        >>> with user_errors():
        ...     raise MmmixError('`alpha` must be positive, not 0.')
        Traceback (most recent call last):
        SystemExit: error: `alpha` must be positive, not 0.
    """
    try:
        yield
    except Exception as error:
        message = user_message(error, *kinds)
        if message is None:
            raise
        sys.exit(f'error: {message}')


def user_message(error: Exception, *kinds: type) -> Optional[str]:
    """What :func:`user_errors` says of an error, None if it may be a fault in
    a program.

    Args:
        error (Exception): What was raised.
        *kinds (type): See :func:`user_errors`.
    """
    if isinstance(error,
                  (MmmixError, FileNotFoundError, FloatingPointError, *kinds)):
        # the worker of a data loader puts its traceback before the message
        message = str(error).split(f'{type(error).__name__}: ')[-1].strip()
        if isinstance(error, FileNotFoundError):
            message += expected_layout(error)
        elif _is_of_data(error.__cause__):  # see mmmix.arguments
            message += expected_layout(error.__cause__)
        return message
    if isinstance(error, OSError) and error.errno in FULL:
        path = _written(error)
        left = f' ({space_left(path)} left)' if path else ''
        return (f'{path or "A file"} could not be written: {error.strerror}'
                f'{left}. {MAKE_ROOM}')
    return f'{error}{expected_layout(error)}' if _is_of_data(error) else None


def _is_of_data(error: Optional[BaseException]) -> bool:
    """Whether it is what MMPretrain's and mmseg's data sets raise on missing
    files."""
    return isinstance(error, (AssertionError, RuntimeError)) and any(
        frame.f_code.co_name == 'load_data_list'
        for frame, _ in traceback.walk_tb(error.__traceback__))


def _written(error: OSError) -> Optional[str]:
    """The file that was being written; the error of a write has no name."""
    files = [
        value for frame, _ in traceback.walk_tb(error.__traceback__)
        for value in frame.f_locals.values() if isinstance(value, io.IOBase)
    ]
    names = [error.filename, *(getattr(file, 'name', None) for file in files)]
    return next((name for name in names if isinstance(name, str)), None)


def expected_layout(error: BaseException) -> str:
    """The layout of the data set that was being read, if one was."""
    readers = [
        type(frame.f_locals.get('self'))
        for frame, _ in traceback.walk_tb(error.__traceback__)
    ]
    readers = [k for k in readers if issubclass(k, (Dataset, BaseTransform))]
    return layout_of(reversed(readers)) if readers else ''


def layout_of(readers: Iterable[type]) -> str:
    """The layout that the page of the data sets shows for the first of some
    data sets and transforms that it has.

    Args:
        readers (Iterable[type]): Their classes.
    """
    try:
        page = shipped(PAGE).read_text(encoding='utf-8')
    except FileNotFoundError:
        page = ''
    for reader in readers:
        for kind in reader.__mro__:
            block = re.search(
                rf'^## {kind.__name__}\n(?:(?!^##).)*?^```\n(.*?)^```', page,
                re.DOTALL | re.MULTILINE)
            if block:
                return (f'\nThe layout that {reader.__name__} expects is in '
                        f'{PAGE}:\n{block[1].rstrip()}')
    return f'\nThe layouts of the data sets are in {PAGE} of the checkout.'
