from typing import Optional

from mmengine.hooks import EMAHook, Hook
from mmengine.model import ExponentialMovingAverage, is_model_wrapper

from mmmix.errors import MmmixError
from mmmix.models import EMAGuide, MixClassifier
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
        """Find the average, or begin one, before weights are loaded."""
        model = _unwrapped(runner.model)
        guides = ema_guides(model)
        if not guides:
            raise MmmixError("EMAGuideHook needs guide=dict(type="
                             "'mmmix.EMAGuide') in the model's `train_cfg`.")
        shared = [hook for hook in runner.hooks if isinstance(hook, EMAHook)]
        if not shared:
            self.average = ExponentialMovingAverage(
                model, momentum=self.momentum)
            self._bind(model, self.average.module)

    def before_train(self, runner) -> None:
        """Share MMEngine's average; start from loaded weights."""
        model = _unwrapped(runner.model)
        for hook in runner.hooks:
            if isinstance(hook, EMAHook):
                self._bind(model, hook.ema_model.module)
                return
        if self.average.steps == 0:
            self.average.module.load_state_dict(model.state_dict())

    @staticmethod
    def _bind(model: MixClassifier, average: MixClassifier) -> None:
        for guide in ema_guides(model):
            guide.bind_average(average)

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
        if self.average is not None and runner._resume:
            if KEY not in checkpoint:
                raise MmmixError(
                    'The checkpoint to resume from holds no moving average '
                    f'of the guide ({KEY}): resume a run that had '
                    'EMAGuideHook, or start a new one with load_from.')
            self.average.load_state_dict(checkpoint[KEY])


def ema_guides(model: MixClassifier) -> list:
    """The EMA guides of a classifier."""
    guide = getattr(model.data_preprocessor, 'guide', None)
    parts = guide.parts if guide is not None else ()
    return [part for part in parts if isinstance(part, EMAGuide)]


def _unwrapped(model):
    return model.module if is_model_wrapper(model) else model
