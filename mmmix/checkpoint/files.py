"""Files that hold checkpoints, and files that only have their name."""
import logging
import re
import textwrap
import zipfile
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, List, Optional, Union
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, get_rank
from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader

from mmmix.checkpoint.unpickling import read_checkpoint
from mmmix.errors import MmmixError
from mmmix.private import read_addresses_by

# as torch.hub documents it; its own pattern takes the 50 of resnet-50.pth, too
DIGEST = re.compile(r'-([a-f0-9]{8,})\.')
# what other files begin with, in lower case
FOREIGN = {
    b'<':
    'is a web page: download the file itself',
    b'version https://git-lfs':
    'is a Git LFS pointer: fetch the file itself '
    'with `git lfs pull`',
}


def check_checkpoint(path: Union[str, Path],
                     what: str = 'checkpoint',
                     remedy: str = 'give the path of a .pth file.',
                     whole: bool = False) -> str:
    """Check that a path is an address or may be a checkpoint, and return it.

    Args:
        path (str | Path): Where the weights are; it may begin with ``~``.
        what (str): What to call it in the message.
        remedy (str): What to do if there is no file, for the message.
        whole (bool): Read all of the file and compare its check sums.
            Defaults to False: only its first and last bytes are read.

    Raises:
        FileNotFoundError: If there is no such file.
        MmmixError: If it is a folder, empty, a web page, a Git LFS pointer,
            or if its end is missing or, with ``whole``, a byte is wrong.
    """
    path = str(path)
    if '://' in path:
        return path
    file = Path(path).expanduser()
    if not file.exists():
        raise FileNotFoundError(
            f'There is no {what} {path}, seen from {Path.cwd()}: {remedy}')
    fault = _fault(file, whole)
    if fault:
        raise MmmixError(f'The {what} {path} {fault}.')
    return path


@CheckpointLoader.register_scheme('', force=True)
def load_from_local(filename: str, map_location: Any = None) -> Any:
    """Read a file, for all that load weights through MMEngine: tensors and
    plain data, or nothing. A file that is no checkpoint is named in a
    MmmixError."""
    check_checkpoint(filename)
    try:
        return read_checkpoint(filename, map_location)
    except MmmixError:
        raise
    except Exception as error:  # foreign bytes raise anything
        raise MmmixError(
            f'The checkpoint {filename} is damaged, or not a checkpoint '
            f'({textwrap.shorten(str(error), 200)}).') from None


@CheckpointLoader.register_scheme(('http://', 'https://'), force=True)
def load_from_http(filename: str, map_location: Any = None, **kwargs) -> Any:
    """Download a file once, and read it as one on the disk; a digest at the
    end of its name is checked. Without one the name does not tell what is in
    the file, and the copy's name has a hash of the address.

    Args:
        filename (str): The address.
        map_location (Any): The device to read to.
        **kwargs: What other loaders of addresses take; unused.
    """
    name = Path(urlparse(filename).path).name
    digest = DIGEST.search(name)
    if digest is None:
        name = f'{sha256(filename.encode()).hexdigest()[:8]}-{name}'
    file = Path(torch.hub.get_dir(), 'checkpoints', name)
    for turn in (get_rank() == 0, True):  # the others find it, or have no
        if turn and not file.exists():  # disk in common with the first
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(filename, str(file), digest
                                           and digest.group(1))
        barrier()
    return load_from_local(str(file), map_location)


@CheckpointLoader.register_scheme((r'(\S+\:)?s3://', 'pavi://'), force=True)
def refuse_store(filename: str, map_location: Any = None, **kwargs) -> None:
    """Refuse an address whose reader unpickles whatever it finds."""
    raise MmmixError(f'{filename} cannot be read safely where it is: download '
                     'it, and give the file.')


# torchvision://, open-mmlab:// and mmcls:// look up an address and read it
read_addresses_by(load_from_http)


def checkpoint_to_resume(work_dir: Union[str, Path],
                         path: Optional[str] = None) -> Optional[str]:
    """The checkpoint from which a run is resumed.

    Args:
        work_dir (str | Path): The work directory of the run.
        path (str, optional): The checkpoint. Defaults to None: the latest one
            in the work directory or, with a warning, the latest whole one.

    Returns:
        str, optional: None if the run has not saved one yet.

    Raises:
        FileNotFoundError, MmmixError: See :func:`check_checkpoint`; if there
            are checkpoints, but none is whole. Where ``path`` is not whole,
            the message names the latest in its folder that is.
    """
    folder = Path(work_dir)
    if path is not None:
        folder = Path(path).expanduser().parent
    latest = path or _last_saved(folder)
    if latest is None:
        return None
    try:
        return check_checkpoint(latest, whole=True)
    except (FileNotFoundError, MmmixError) as error:
        whole = _latest_whole(folder)
        if whole is None:
            raise type(error)(f'{error} No checkpoint in {folder} is whole: '
                              'start the run again.') from None
        if path is not None:
            raise type(error)(
                f'{error} {whole} is whole: --resume {whole}.') from None
        _say_once(f'{error} The run is resumed from {whole}, the latest that '
                  'is whole.')
        return str(whole)


@lru_cache(maxsize=None)
def _say_once(text: str) -> None:
    print_log(text, 'current', logging.WARNING)


def _last_saved(folder: Path) -> Optional[str]:
    """What ``last_checkpoint`` names, which is in its own folder unless the
    hook has another ``out_dir``: the run's folder may be a copy, or have been
    moved. Where a run was killed while it wrote this file, the file itself;
    without one, the newest checkpoint."""
    note = folder / 'last_checkpoint'
    if note.exists():
        noted = note.read_text().strip() or str(note)
        here = folder / Path(noted).name
        return str(here) if here.exists() else noted
    saved = _by_age(folder)
    return str(saved[-1]) if saved else None


def _latest_whole(folder: Path) -> Optional[Path]:
    return next((file for file in reversed(_by_age(folder))
                 if not _fault(file, whole=True)), None)


def _by_age(folder: Path) -> List[Path]:
    """The checkpoints from which a run can go on, the oldest first."""
    return sorted((file for file in folder.glob('*.pth')
                   if not file.name.startswith('best_')),
                  key=lambda file: file.stat().st_mtime)


def _fault(file: Path, whole: bool = False) -> str:
    """What is wrong with a file, as far as its first and last bytes tell, or
    the check sums of the whole."""
    if file.is_dir():
        return 'is a folder: give the .pth file in it'
    with file.open('rb') as content:
        start = content.read(64).lstrip()
    if not start:
        return 'is empty'
    for magic, fault in FOREIGN.items():
        if start.lower().startswith(magic):
            return fault
    if not start.startswith(b'PK'):
        return ''
    if not zipfile.is_zipfile(file):
        return 'is damaged, its end is missing: copy or save it again'
    if whole:
        try:
            with zipfile.ZipFile(file) as archive:
                if archive.testzip() is None:
                    return ''
        except (zipfile.BadZipFile, OSError):
            pass
        return 'is damaged: copy or save it again'
    return ''
