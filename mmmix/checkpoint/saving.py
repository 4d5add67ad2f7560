"""Files that are written whole, or not at all."""
import errno
import os
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any, Union

import torch
from mmengine.fileio import LocalBackend, register_backend
from mmengine.utils import mkdir_or_exist

from mmmix.errors import MmmixError

FULL = (errno.ENOSPC, errno.EDQUOT)
MAKE_ROOM = 'What was saved before is kept: make room, and resume the run.'
MEBIBYTE = 2**20


def write_whole(content: bytes, path: Union[str, Path]) -> None:
    """Write a file beside its place, flush it to the disk, and rename it: a
    reader finds the old file or the new one, whenever the process is killed.

    Args:
        content (bytes): What to write.
        path (str | Path): The file; its folder is made.

    Raises:
        MmmixError: If the disk or a quota is full; the old file is kept.
    """
    path = Path(path)
    mkdir_or_exist(path.parent)
    part = path.with_name(f'{path.name}.part')
    try:
        with part.open('wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        if error.errno not in FULL:
            raise
        raise MmmixError(
            f'{path} could not be saved: it takes {_size(len(content))}, but '
            f'{space_left(path)} are left on its disk ({error.strerror}). '
            f'{MAKE_ROOM}') from None
    _flush_folder(path.parent)


def space_left(path: Union[str, Path]) -> str:
    """How much there is on the disk of a file, as text.

    >>> space_left('a.pth').split()[1] in ('KiB', 'MiB')
    True
    """
    return _size(shutil.disk_usage(Path(path).absolute().parent).free)


def _size(size: int) -> str:
    if size < MEBIBYTE:
        return f'{size / 1024:.0f} KiB'
    return f'{size / MEBIBYTE:.1f} MiB'


def _flush_folder(folder: Path) -> None:
    """Flush a new name to the disk, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # a system whose folders are not files
        return
    try:
        os.fsync(handle)
    except OSError:  # a file system without it
        pass
    finally:
        os.close(handle)


@register_backend('local', force=True, prefixes='')
class WholeFileBackend(LocalBackend):
    """MMEngine's backend for local files, through which it saves checkpoints,
    by :func:`write_whole`."""

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        write_whole(obj, filepath)


def save_whole(content: Any, path: Union[str, Path]) -> None:
    """Save a content by ``torch.save``: all of it, or leave the old file as
    it is."""
    buffer = BytesIO()
    torch.save(content, buffer)
    write_whole(buffer.getvalue(), path)
