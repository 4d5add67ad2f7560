"""Running a model without a trace in it."""
from contextlib import contextmanager
from typing import Any, Iterator, List

import torch
from torch import nn

from mmmix.private import forward_without_checkpointing


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into eval mode, and restore every module's own flag after.

    Flags are set one by one, because a backbone's ``train()`` may do more.
    """
    flags = {module: module.training for module in model.modules()}
    for module in flags:
        module.training = False
    try:
        yield
    finally:
        for module, flag in flags.items():
            module.training = flag


@contextmanager
def keeping_activations(model: nn.Module) -> Iterator[None]:
    """Switch gradient checkpointing off: ``with_cp``, and what the
    ``activation_checkpointing`` of MMEngine or of FSDP did.

    It would run blocks again in the backward pass, where the model has its
    own weights and flags again.
    """
    modules: List[Any] = [
        m for m in model.modules() if getattr(m, 'with_cp', False)
    ]
    forwards = [(vars(m), vars(m).get('forward'), plain)
                for m in model.modules()
                if (plain := forward_without_checkpointing(m)) is not None]
    for module in modules:
        module.with_cp = False  # type: ignore[assignment]
    for attributes, _, plain in forwards:
        attributes['forward'] = plain
    try:
        yield
    finally:
        for module in modules:
            module.with_cp = True  # type: ignore[assignment]
        for attributes, own, _ in forwards:
            if own is None:
                del attributes['forward']
            else:
                attributes['forward'] = own


@contextmanager
def no_autocast_cache() -> Iterator[None]:
    """Keep a pass without gradients out of autocast's weight cache.

    In older torch (2.1, but not 2.11) the training pass that follows would
    take weights that were cast under ``no_grad`` from the cache, and silently
    not train them.
    """
    enabled = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)
    try:
        yield
    finally:
        torch.set_autocast_cache_enabled(enabled)
