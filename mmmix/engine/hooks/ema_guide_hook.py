from typing import List, Optional

from mmengine.hooks import EMAHook, Hook
from mmengine.model import ExponentialMovingAverage, is_model_wrapper
from torch import nn

from mmmix.errors import MmmixError
from mmmix.models import EMAGuide
from mmmix.private import is_resuming
from mmmix.registry import HOOKS

KEY = 'guide_ema_state_dict'


@HOOKS.register_module()
class EMAGuideHook(Hook):
    """Give the model's EMA guides the moving average they ask.

    The model cannot reach the runner, so a hook does it. If MMEngine's
    ``EMAHook`` is on, its average is shared; otherwise this hook keeps one,
    also in the checkpoints (``guide_ema_state_dict``), so that a resumed run
    is guided as before.

    Args:
        momentum (float): Share of the new weights in each step, in (0, 1); of
            the average that this hook keeps. Defaults to 1e-4.

    Raises:
        ValueError: If the model has no :class:`~mmmix.models.EMAGuide`, or
            momentum is out of range.
    """

    def __init__(self, momentum: float = 1e-4):
        if not 0 < momentum < 1:
            raise MmmixError('`momentum` must be in (0, 1), not '
                             f'{momentum!r}.')
        self.momentum = momentum
        self.average: Optional[ExponentialMovingAverage] = None

    def before_run(self, runner) -> None:
        """Begin an average, before weights are loaded, unless MMEngine's
        ``EMAHook`` keeps one."""
        model = _unwrapped(runner.model)
        if not ema_guides(model):
            raise MmmixError("EMAGuideHook needs guide=dict(type="
                             "'mmmix.EMAGuide') in the model's `train_cfg`.")
        if not any(isinstance(hook, EMAHook) for hook in runner.hooks):
            self.average = ExponentialMovingAverage(
                model, momentum=self.momentum)

    def before_train(self, runner) -> None:
        """Hand the average to the guides; begin it at loaded weights."""
        model = _unwrapped(runner.model)
        average = next((hook.ema_model
                        for hook in runner.hooks if isinstance(hook, EMAHook)),
                       self.average)
        if average is self.average and average.steps == 0:
            average.module.load_state_dict(model.state_dict())
        for guide in ema_guides(model):
            guide.average = average.module

    def after_train_iter(self, runner, *args, **kwargs) -> None:
        """Take one step of the average this hook keeps."""
        if self.average is not None:
            self.average.update_parameters(_unwrapped(runner.model))

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Save the average this hook keeps."""
        if self.average is not None:
            checkpoint[KEY] = self.average.state_dict()

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Load it again when a run is resumed."""
        if self.average is not None and is_resuming(runner):
            if KEY not in checkpoint:
                raise MmmixError(
                    'The checkpoint to resume from holds no moving average '
                    f'of the guide ({KEY}): resume a run that had '
                    'EMAGuideHook, or start a new one with load_from.')
            self.average.load_state_dict(checkpoint[KEY])


def ema_guides(model: nn.Module) -> List[EMAGuide]:
    """The EMA guides of a classifier."""
    guides = getattr(getattr(model, 'data_preprocessor', None), 'guides', {})
    return [
        guide for guide in dict.fromkeys(guides.values())
        if isinstance(guide, EMAGuide)
    ]


def _unwrapped(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model
