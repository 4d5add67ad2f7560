from typing import Optional

from torch import nn

from mmmix.errors import MmmixError
from mmmix.registry import TASK_UTILS

from .base import Guide


@TASK_UTILS.register_module()
class EMAGuide(Guide):
    """The moving average of the model under training guides it.

    ``mmmix.EMAGuideHook`` keeps the average, or shares the one that MMEngine's
    ``EMAHook`` keeps if that is on: there is no second copy. Put it into the
    config::

        custom_hooks = [dict(type='mmmix.EMAGuideHook', momentum=1e-4)]

    Args:
        **kwargs: Of :class:`Guide`.
    """

    _average: Optional[nn.Module] = None

    def bind_average(self, average: nn.Module) -> None:
        """Hand over the averaged classifier."""
        self._average = average

    @property
    def architecture(self):
        # the average does not exist at build time; it is a copy of this
        return self.student

    @property
    def model(self):
        if self._average is None:
            raise MmmixError(
                'EMAGuide has no moving average to ask. Add its hook to '
                "`custom_hooks`: dict(type='mmmix.EMAGuideHook').")
        return self._average

    def __getstate__(self):
        # the average is itself a copy of the model that holds this guide
        state = super().__getstate__()
        state.pop('_average', None)
        return state
