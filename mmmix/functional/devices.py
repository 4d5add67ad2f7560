"""Tensors on their way to a GPU."""
import torch
from torch import Tensor


def copy_to(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy a tensor to a device; on the way to a GPU nobody waits for it.

    Args:
        tensor (Tensor): Of any shape, not changed afterwards.
        device (torch.device): Where it is wanted.

    Returns:
        Tensor: The tensor itself, if it is there.

    >>> copy_to(torch.ones(2), torch.device('cpu'))
    tensor([1., 1.])
    """
    if tensor.device.type == 'cpu' and device.type == 'cuda':
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
