"""Mixed precision where MMEngine has none."""
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmengine.runner import autocast
from torch import nn

from mmmix.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """Train in bfloat16 by autocast, on CPUs, too.

    bfloat16 has the range of float32, so the loss is not scaled: MMEngine's
    ``AmpOptimWrapper`` scales it, and refuses the CPU for that. The state of
    the optimizer is that of an ``OptimWrapper``: a run can be resumed with
    either.

    Args:
        *args, **kwargs: Of ``mmengine.optim.OptimWrapper``.
    """

    @contextmanager
    def optim_context(self, model: nn.Module):
        """Accumulation as in the parent, and autocast."""
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield
