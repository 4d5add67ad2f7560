"""Loading weights: all of them or none."""
import textwrap
from pathlib import Path
from typing import Union

from mmengine.runner import load_checkpoint
from torch import nn


def check_checkpoint(path: Union[str, Path], what: str = 'checkpoint') -> str:
    """Raise a FileNotFoundError unless it is an address or a file.

    Args:
        path (str | Path): Where the weights are.
        what (str): What to call it in the message.
    """
    path = str(path)
    if '://' not in path and not Path(path).is_file():
        raise FileNotFoundError(
            f'There is no {what} {path}, seen from {Path.cwd()}: give the '
            'path of a .pth file that a training left.')
    return path


def load_weights(model: nn.Module,
                 path: str,
                 what: str = 'checkpoint') -> None:
    """Load a checkpoint, all of it or none.

    Args:
        model (nn.Module): Where to load it.
        path (str): A file or an address.
        what (str): What to call it if there is none.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is that of another model: it names the first keys
            that are missing, unexpected or of another size.
    """
    check_checkpoint(path, what)
    try:
        load_checkpoint(
            model, path, map_location='cpu', strict=True, logger='current')
    except RuntimeError as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        shown = [textwrap.shorten(line, 300) for line in lines[:8]]
        raise ValueError('\n  '.join([
            f'The {what} {path} does not hold the weights of this model:',
            *shown, 'Give the config that it was trained with.'
        ])) from None
