"""One run for each work directory."""
import os
import socket
from pathlib import Path
from typing import IO, Dict, Union

from mmmix.errors import MmmixError

try:
    import fcntl
except ImportError:  # not on Windows, where nothing is locked
    fcntl = None  # type: ignore[assignment]

_held: Dict[Path, IO] = {}


def claim_work_dir(work_dir: Union[str, Path]) -> None:
    """Keep other trainings out of a work directory until this process ends,
    however it ends.

    Args:
        work_dir (str | Path): The work directory; it is made.

    Raises:
        MmmixError: If another process trains in it.
    """
    folder = Path(work_dir).resolve()
    if fcntl is None or folder in _held:
        return
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / '.lock').open('a+')
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
