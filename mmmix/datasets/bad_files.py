"""Files that are missing or cannot be decoded."""
import json
import logging
from pathlib import Path
from typing import Optional, Set, Union

import mmengine.fileio as fileio
from mmengine.logging import print_log

from mmmix.errors import MmmixError, check_name

IN_A_ROW = 100  # more than chance: not the files are bad


def read_file(path: str, backend_args: Optional[dict] = None) -> bytes:
    """What a file holds.

    Args:
        path (str): A file or an address that MMEngine reads.
        backend_args (dict, optional): Of ``mmengine.fileio.get``.

    Raises:
        FileNotFoundError: If there is no such file; the message names the
            outermost folder that is missing, too.
        MmmixError: If it cannot be read.
    """
    try:
        return fileio.get(path, backend_args=backend_args)
    except FileNotFoundError:
        raise missing_file(path) from None
    except OSError as error:
        raise MmmixError(f'{path!r} cannot be read: '
                         f'{error.strerror or error}.') from None


def missing_file(path: Union[str, Path]) -> FileNotFoundError:
    """An error that says how much of a path is missing.

    >>> missing_file('/nowhere/cat/0.jpg')
    FileNotFoundError("There is no file '/nowhere/cat/0.jpg': its folder \
'/nowhere' does not exist. Check the paths of the data set, and that the disk \
is mounted.")
    """
    gone = [
        str(folder) for folder in Path(path).parents if not folder.exists()
    ]
    which = f'its folder {gone[-1]!r} does not exist' if gone else \
        'its folder exists'
    return FileNotFoundError(
        f'There is no file {str(path)!r}: {which}. Check the paths of the '
        'data set, and that the disk is mounted.')


class BadFiles:
    """What a loading step does with the files that cannot be decoded.

    Args:
        on_error (str): 'raise' an error, or 'skip' the file: it is logged the
            first time that a process meets it, and the step returns None, for
            which the data set takes another sample at random.
        kind (str): What the files are, for messages.

    Attributes:
        notes (str, optional): A file to which each skip is appended, as a
            line of JSON, path and reason, by all processes that load.

    Raises:
        MmmixError: If ``on_error`` is another word.
    """

    def __init__(self, on_error: str, kind: str = 'image'):
        check_name('on_error', on_error, ('raise', 'skip'))
        self.on_error = on_error
        self.kind = kind
        self.notes: Optional[str] = None
        self._seen: Set[str] = set()
        self._in_a_row = 0

    def good(self) -> None:
        """Note that a file was decoded."""
        self._in_a_row = 0

    def bad(self, path: str, reason: str) -> None:
        """Stop or skip.

        Raises:
            MmmixError: Unless files are skipped, and if as many in a row
                cannot be decoded as no chance explains.
        """
        message = f'{path!r} is not a readable {self.kind} ({reason})'
        if self.on_error == 'raise':
            raise MmmixError(f'{message}. Replace it, or skip such files in '
                             "training with on_error='skip'.")
        self._in_a_row += 1
        if self._in_a_row >= IN_A_ROW:
            raise MmmixError(
                f'{self._in_a_row} files in a row cannot be decoded; the last '
                f'one, {message}. Skipping is meant for single files: check '
                'the data set and its disk.')
        if path not in self._seen:
            self._seen.add(path)
            # on ranks other than 0 MMEngine logs nothing below ERROR
            print_log(f'Skipped: {message}.', 'current', logging.ERROR)
        if self.notes:
            with open(self.notes, 'a', encoding='ascii') as file:
                file.write(f'{json.dumps([path, reason])}\n')
