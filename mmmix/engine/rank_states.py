"""What the processes of a run do not have in common, for its checkpoints.

MMEngine saves the state of the first process. The others differ in their
buffers (the statistics of batch norm), and in the gradients of passes whose
accumulation is not complete, which no checkpoint has.
"""
from typing import Dict, List, Optional

import torch
from mmengine.dist import (all_gather, all_gather_object, get_rank,
                           get_world_size)
from torch import Tensor, nn

State = Dict[str, Dict[str, Tensor]]  # what, and then the name


def collect(module: nn.Module, gradients: bool) -> Optional[List[State]]:
    """The states of all processes, on each of them; every process has to call
    it.

    Args:
        module (nn.Module): With the same parameters and buffers in all.
        gradients (bool): Whether gradients wait for the next step.

    Returns:
        list[dict], optional: By rank, ``buffers`` by name, those alone that
        differ from the first process's, and ``gradients``. None if there is
        nothing that the checkpoint would not have.
    """
    size = get_world_size()
    states: List[State] = [dict(buffers={}, gradients={}) for _ in range(size)]
    if size > 1:
        for name, buffer in module.named_buffers():
            first, *others = all_gather(buffer.detach().contiguous())
            for state, other in zip(states[1:], others):
                if not torch.equal(first, other):
                    state['buffers'][name] = other.cpu()
    if gradients:
        mine = {n: p.grad is not None for n, p in module.named_parameters()}
        have = all_gather_object(mine)
        for name, parameter in module.named_parameters():
            if not any(one[name] for one in have):
                continue
            grad = parameter.grad
            grad = torch.zeros_like(parameter) if grad is None else grad
            for state, one, other in zip(states, have,
                                         all_gather(grad.contiguous())):
                if one[name]:
                    state['gradients'][name] = other.cpu().clone()
    return states if any(any(s.values()) for s in states) else None


def restore(module: nn.Module, states: List[State]) -> None:
    """Give this process its own state again.

    Args:
        module (nn.Module): With the weights of the checkpoint.
        states (list[dict]): What :func:`collect` returned, of as many
            processes.
    """
    state = states[get_rank()]
    buffers = dict(module.named_buffers())
    for name, buffer in state['buffers'].items():
        if name in buffers:  # else of an average that is no longer kept
            buffers[name].copy_(buffer)
    parameters = dict(module.named_parameters())
    for name, grad in state['gradients'].items():
        parameters[name].grad = grad.to(parameters[name].device)
