"""Reading, loading and saving weights: all of them or none."""
import argparse
import os
import textwrap
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Dict, Union

import torch
from mmengine.runner import CheckpointLoader, load_state_dict
from torch import Tensor, nn

from mmmix.errors import MmmixError


def check_checkpoint(path: Union[str, Path],
                     what: str = 'checkpoint',
                     remedy: str = 'give the path of a .pth file.') -> str:
    """Check that a path is an address or an existing file, and return it.

    Args:
        path (str | Path): Where the weights are.
        what (str): What to call it in the message.
        remedy (str): What to do, for the message.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    path = str(path)
    if '://' not in path and not Path(path).expanduser().is_file():
        raise FileNotFoundError(
            f'There is no {what} {path}, seen from {Path.cwd()}: {remedy}')
    return path


def weights_of(checkpoint: Any, path: Union[str, Path]) -> Dict[str, Tensor]:
    """The weights in the content of a checkpoint.

    They may lie under 'state_dict' or 'model', or by themselves; the prefix
    'module.' of a wrapped model is removed.

    Args:
        checkpoint (Any): The content of the file.
        path (str | Path): The file, for the message.

    Raises:
        MmmixError: If there are no weights.

    Example:
        >>> weights_of({'model': {'module.w': torch.ones(1)}}, 'w.pth')
        {'w': tensor([1.])}
    """
    weights = checkpoint
    for key in ('state_dict', 'model'):
        if isinstance(weights, dict) and isinstance(weights.get(key), dict):
            weights = weights[key]
    if not (isinstance(weights, dict) and weights
            and all(isinstance(value, Tensor) for value in weights.values())):
        raise MmmixError(f"{path} has no weights, by themselves or under "
                         "'state_dict' or 'model'.")
    if all(name.startswith('module.') for name in weights):
        return {name[len('module.'):]: w for name, w in weights.items()}
    return dict(weights)


def read_weights(path: str, map_location: str = 'cpu') -> Dict[str, Tensor]:
    """Read the weights in a checkpoint as MMEngine saves it.

    Args:
        path (str): A file or an address that MMEngine reads, as
            :func:`check_checkpoint` returns it.
        map_location (str): The device to read them to. Defaults to 'cpu'.

    Raises:
        MmmixError: If the file is damaged or has no weights.
    """
    try:
        checkpoint = CheckpointLoader.load_checkpoint(
            path, map_location=map_location, logger='current')
    except Exception as error:  # foreign bytes raise anything
        if '://' in path:
            raise
        raise MmmixError(f'{path} is damaged or not a checkpoint '
                         f'({textwrap.shorten(str(error), 200)}).') from None
    return weights_of(checkpoint, path)


def load_weights(model: nn.Module,
                 path: str,
                 what: str = 'checkpoint') -> None:
    """Load a checkpoint into a model, all of it or none.

    Args:
        model (nn.Module): The model to load it into.
        path (str): A file or an address.
        what (str): What to call it in messages.

    Raises:
        FileNotFoundError: If there is no such file.
        MmmixError: If it is damaged, or holds the weights of another model:
            the first keys that are missing, unexpected or of another size
            are listed.
    """
    weights = read_weights(check_checkpoint(path, what))
    try:
        load_state_dict(model, weights, strict=True, logger='current')
    except RuntimeError as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        shown = [textwrap.shorten(line, 300) for line in lines[:8]]
        raise MmmixError('\n  '.join([
            f'The {what} {path} does not hold the weights of this model:',
            *shown, 'Give the config that it was trained with.'
        ])) from None


def read_published(path: Union[str, Path],
                   trusted: bool = False) -> Dict[str, Tensor]:
    """Read the weights in a checkpoint of other code, safely.

    Args:
        path (str | Path): A file; see :func:`weights_of` for where the
            weights may lie in it.
        trusted (bool): Load whatever the file holds, which can run any code.
            Defaults to False.

    Raises:
        FileNotFoundError: If there is no such file.
        MmmixError: If it is damaged, or holds more than weights.
    """
    check_checkpoint(path, 'published checkpoint')
    # the arguments of a training lie beside its weights; torch 2.1 has no way
    # to allow them
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
    return weights_of(checkpoint, path)


def save_whole(content: Any, path: Union[str, Path]) -> None:
    """Save a content: all of it, or leave the old file as it is."""
    part = Path(f'{path}.part')
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.save(content, part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
