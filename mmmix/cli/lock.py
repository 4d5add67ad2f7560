"""One run for each work directory."""
import os
import socket
from pathlib import Path
from typing import IO, Dict, Union

from mmmix.checkpoint.saving import FULL
from mmmix.errors import MmmixError

try:
    import fcntl
except ImportError:  # not on Windows, where nothing is locked
    fcntl = None  # type: ignore[assignment]

_held: Dict[Path, IO] = {}


def _let_go() -> None:
    for file in _held.values():
        file.close()
    _held.clear()


if fcntl is not None:
    # a worker of a data loader would hold the locks of a killed run for the
    # seconds until it notices
    os.register_at_fork(after_in_child=_let_go)


def claim_work_dir(work_dir: Union[str, Path]) -> None:
    """Keep other trainings out of a work directory until this process ends,
    however it ends.

    Args:
        work_dir (str | Path): The work directory; it is made.

    Raises:
        MmmixError: If another process trains in it, or it cannot be written.
    """
    folder = Path(work_dir).resolve()
    if fcntl is None or folder in _held:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / '.lock').open('a+')
    except OSError as error:
        if error.errno in FULL:
            raise
        raise MmmixError(
            f'The work directory {work_dir} cannot be used: {error.filename} '
            f'cannot be written ({error.strerror}). Give another --work-dir, '
            'or the right to write there.') from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        owner = file.read().strip() or 'another process'
        file.close()
        raise MmmixError(
            f'{owner} is training in {work_dir}: two runs would overwrite '
            "each other's checkpoints. Give this one another --work-dir, or "
            'stop the other.') from None
    except OSError:  # a file system without locks
        file.close()
        return
    file.truncate(0)
    file.write(f'Process {os.getpid()} on {socket.gethostname()}')
    file.flush()
    _held[folder] = file
