"""Mixed precision on devices where MMEngine has none."""
from contextlib import contextmanager

import torch
from mmengine.device import get_device
from mmengine.optim import OptimWrapper
from torch import nn

from mmmix.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """Train in bfloat16 under autocast, also on CPUs.

    bfloat16 has the range of float32, so the loss is not scaled; MMEngine's
    ``AmpOptimWrapper`` scales it, and therefore refuses the CPU. The state of
    the optimizer is that of an ``OptimWrapper``: a run can be resumed with
    either.

    Args:
        args, kwargs: Of ``mmengine.optim.OptimWrapper``.
    """

    @contextmanager
    def optim_context(self, model: nn.Module):
        """Accumulate as the parent does, under autocast."""
        # MMEngine's own `autocast` compares versions, which cannot be compiled
        with super().optim_context(model), torch.autocast(
                get_device(), torch.bfloat16):
            yield
