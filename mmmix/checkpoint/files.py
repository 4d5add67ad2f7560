"""Files that hold checkpoints, and files that only have their name."""
import textwrap
import zipfile
from pathlib import Path
from typing import Any, Optional, Union
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, get_rank
from mmengine.runner import CheckpointLoader, find_latest_checkpoint

from mmmix.checkpoint.unpickling import read_checkpoint
from mmmix.errors import MmmixError
from mmmix.private import read_addresses_by

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
                     remedy: str = 'give the path of a .pth file.') -> str:
    """Check that a path is an address or may be a checkpoint, and return it.

    Only the first and last bytes of a file are read.

    Args:
        path (str | Path): Where the weights are; it may begin with ``~``.
        what (str): What to call it in the message.
        remedy (str): What to do if there is no file, for the message.

    Raises:
        FileNotFoundError: If there is no such file.
        MmmixError: If it is a folder, empty, a web page, a Git LFS pointer,
            or if its end is missing.
    """
    path = str(path)
    if '://' in path:
        return path
    file = Path(path).expanduser()
    if not file.exists():
        raise FileNotFoundError(
            f'There is no {what} {path}, seen from {Path.cwd()}: {remedy}')
    fault = _fault(file)
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
    end of its name is checked.

    Args:
        filename (str): The address.
        map_location (Any): The device to read to.
        **kwargs: What other loaders of addresses take; unused.
    """
    name = Path(urlparse(filename).path).name
    file = Path(torch.hub.get_dir(), 'checkpoints', name)
    for turn in (get_rank() == 0, True):  # the others find it, or have no
        if turn and not file.exists():  # disk in common with the first
            file.parent.mkdir(parents=True, exist_ok=True)
            digest = torch.hub.HASH_REGEX.search(name)
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
            in the work directory.

    Returns:
        str, optional: None if the run has not saved one yet.

    Raises:
        FileNotFoundError, MmmixError: See :func:`check_checkpoint`; the
            message names the latest whole checkpoint in the same folder.
    """
    folder = Path(work_dir)
    if path is not None:
        folder = Path(path).expanduser().parent
    else:
        path = find_latest_checkpoint(str(work_dir))
        if path is None:
            return None
        # a full disk leaves an empty file
        path = path or str(folder / 'last_checkpoint')
    try:
        return check_checkpoint(path)
    except (FileNotFoundError, MmmixError) as error:
        others = sorted(
            folder.glob('*.pth'), key=lambda file: file.stat().st_mtime)
        whole = [file for file in others if not _fault(file)]
        hint = f'{whole[-1]} is whole: --resume {whole[-1]}' if whole else \
            f'No checkpoint in {folder} is whole: start the run again'
        raise type(error)(f'{error} {hint}.') from None


def _fault(file: Path) -> str:
    """What is wrong with a file, as far as its first and last bytes tell."""
    if file.is_dir():
        return 'is a folder: give the .pth file in it'
    with file.open('rb') as content:
        start = content.read(64).lstrip()
    if not start:
        return 'is empty'
    for magic, fault in FOREIGN.items():
        if start.lower().startswith(magic):
            return fault
    if start.startswith(b'PK') and not zipfile.is_zipfile(file):
        return 'is damaged, its end is missing: copy or save it again'
    return ''
