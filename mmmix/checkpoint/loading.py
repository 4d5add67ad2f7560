"""Loading and saving weights: all of them or none."""
import argparse
import os
import textwrap
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Dict, Union

import torch
from mmengine.runner import load_checkpoint
from torch import Tensor, nn

from mmmix.errors import MmmixError


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
            'path of a .pth file.')
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
        raise MmmixError('\n  '.join([
            f'The {what} {path} does not hold the weights of this model:',
            *shown, 'Give the config that it was trained with.'
        ])) from None


def read_published(path: Union[str, Path],
                   trusted: bool = False) -> Dict[str, Tensor]:
    """The weights in a checkpoint of other code, read safely.

    Args:
        path (str | Path): A file; its weights may lie under 'model' or
            'state_dict'.
        trusted (bool): Load whatever it holds; that can run any code.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is damaged, or holds more than weights.
    """
    check_checkpoint(path, 'published checkpoint')
    # a training's arguments lie beside its weights; torch 2.1 cannot allow it
    allow = getattr(torch.serialization, 'safe_globals', nullcontext)
    try:
        with allow([argparse.Namespace]):
            checkpoint = torch.load(
                path, map_location='cpu', weights_only=not trusted)
    except Exception as error:  # foreign bytes raise anything
        reason = textwrap.shorten(str(error), 200)
        raise MmmixError(
            f'{path} is damaged or holds more than weights ({reason}). '
            '--trusted loads whatever it holds: that can run any code, so '
            'do it only if you trust its author.') from None
    for name in ('model', 'state_dict'):
        if isinstance(checkpoint, dict) and name in checkpoint:
            checkpoint = checkpoint[name]
    if not (isinstance(checkpoint, dict) and checkpoint
            and all(isinstance(v, Tensor) for v in checkpoint.values())):
        raise MmmixError(f"{path} has no weights, by themselves or under "
                         "'model' or 'state_dict'.")
    return checkpoint


def save_whole(content: Any, path: Union[str, Path]) -> None:
    """Save all of it, or leave what was there."""
    part = Path(f'{path}.part')
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.save(content, part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
