"""How far a run has come."""
import torch
from mmengine.logging import MessageHub

from mmmix.errors import MmmixError


# a number that changes in every step would cause a recompilation in each
@torch.compiler.disable
def share_of_training(setting: str, device: torch.device) -> torch.Tensor:
    """T/T_max of the run, a scalar in [0, 1).

    Args:
        setting (str): What follows the run, for the message.
        device (torch.device): Where the number is to lie.

    Raises:
        MmmixError: If there is no run.
    """
    hub = MessageHub.get_current_instance()
    end = hub.get_info('max_iters', None)
    if not end:
        raise MmmixError(
            f"{setting} follows the run's iterations, but there is no run: "
            "train with tools/train.py (MMEngine's Runner), or set `iter` and "
            '`max_iters` in its MessageHub.')
    return torch.full((), hub.get_info('iter', 0) / end, device=device)
