import math
from typing import List, Optional

from mmengine.hooks import EMAHook, Hook
from mmengine.model import ExponentialMovingAverage, is_model_wrapper
from torch import nn

from mmmix.errors import MmmixError
from mmmix.models import EMAGuide
from mmmix.private import has_train_loop, is_resuming
from mmmix.registry import HOOKS

KEY = 'guide_ema_state_dict'


@HOOKS.register_module()
class EMAGuideHook(Hook):
    r"""Give the model's EMA guides their moving average.

    The model cannot reach the runner, so a hook does it. If MMEngine's
    ``EMAHook`` is used, its average is shared; otherwise this hook keeps one,
    also in the checkpoints (``guide_ema_state_dict``), so that a resumed run
    is guided as before.

    The momentum may fall to ``end_momentum`` in the course of the run, from
    its value m to e, at the share t of the run:

    .. math::
        e + (m - e) (1 + \cos \pi t) / 2

    Args:
        momentum (float): Share of the new weights in each step of the average
            that this hook keeps, in (0, 1). Defaults to 1e-4.
        end_momentum (float, optional): What it falls to, in (0, 1). The
            average of an ``EMAHook`` then follows both, too, instead of its
            own momentum. Defaults to None, constant.
        begin (float): Share of the run up to which the momentum is constant;
            it then jumps to the formula's value, which the public code of
            AutoMix does. In [0, 1), defaults to 0.
        update_buffers (bool): Whether the average that this hook keeps also
            averages buffers, such as the statistics of batch norm, rather
            than copying them. Defaults to False.

    Raises:
        MmmixError: If the model has no :class:`~mmmix.models.EMAGuide`, a
            number is out of range, the shared average has no momentum, or a
            run is resumed from a checkpoint without the average.

    >>> custom_hooks = [dict(type='mmmix.EMAGuideHook', momentum=1e-4)]
    """

    def __init__(self,
                 momentum: float = 1e-4,
                 end_momentum: Optional[float] = None,
                 begin: float = 0.0,
                 update_buffers: bool = False):
        if not 0 < momentum < 1:
            raise MmmixError('`momentum` must be in (0, 1), not '
                             f'{momentum!r}.')
        if end_momentum is not None and not 0 < end_momentum < 1 \
                or not 0 <= begin < 1:
            raise MmmixError(
                '`end_momentum` must be in (0, 1) and `begin` in [0, 1), but '
                f'they are {end_momentum!r} and {begin!r}.')
        self.momentum = momentum
        self.end_momentum = end_momentum
        self.begin = begin
        self.update_buffers = update_buffers
        self.average: Optional[ExponentialMovingAverage] = None
        self._scheduled: Optional[ExponentialMovingAverage] = None
        self._resumed = False
        self._saved: Optional[dict] = None

    def before_run(self, runner) -> None:
        """Create the average, before weights are loaded, unless MMEngine's
        ``EMAHook`` keeps one; nothing is guided where nothing is trained."""
        if not has_train_loop(runner):
            return
        model = _unwrapped(runner.model)
        if not ema_guides(model):
            raise MmmixError("EMAGuideHook requires guide=dict(type="
                             "'mmmix.EMAGuide') in the model's `train_cfg`.")
        if not any(isinstance(hook, EMAHook) for hook in runner.hooks):
            self.average = ExponentialMovingAverage(
                model,
                momentum=self.momentum,
                update_buffers=self.update_buffers)

    def before_train(self, runner) -> None:
        """Give the average to the guides; it starts from loaded weights."""
        model = _unwrapped(runner.model)
        average = next((hook.ema_model
                        for hook in runner.hooks if isinstance(hook, EMAHook)),
                       self.average)
        if average is self.average:
            if self._resumed:
                self._restore(average)
            elif average.steps == 0:
                average.module.load_state_dict(model.state_dict())
        self._saved = None
        for guide in ema_guides(model):
            guide.average = average.module
        if self.end_momentum is not None:
            if not hasattr(average, 'momentum'):
                raise MmmixError(
                    f'The {type(average).__name__} of the EMAHook has no '
                    'momentum that could fall to `end_momentum`: choose '
                    "ema_type='ExponentialMovingAverage'.")
            self._scheduled = average

    def before_train_iter(self, runner, *args, **kwargs) -> None:
        """Set the momentum of this step."""
        if self._scheduled is not None:
            self._scheduled.momentum = self.momentum_at(runner.iter /
                                                        runner.max_iters)

    def momentum_at(self, share: float) -> float:
        """The momentum at a share of the run.

        >>> hook = EMAGuideHook(momentum=1e-3, end_momentum=1e-6, begin=.1)
        >>> [round(hook.momentum_at(share), 6) for share in (.05, .5, 1.)]
        [0.001, 0.000501, 1e-06]
        """
        if self.end_momentum is None or share < self.begin:
            return self.momentum
        height = (1 + math.cos(math.pi * share)) / 2
        return self.end_momentum + (self.momentum - self.end_momentum) * height

    def after_train_iter(self, runner, *args, **kwargs) -> None:
        """Update the average that this hook keeps."""
        if self.average is not None:
            self.average.update_parameters(_unwrapped(runner.model))

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Save the average that this hook keeps."""
        if self.average is not None:
            checkpoint[KEY] = self.average.state_dict()

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Note the average of a run that is resumed; FlexibleRunner loads it
        before there is one here."""
        self._resumed = is_resuming(runner)
        self._saved = checkpoint.get(KEY)

    def _restore(self, average: ExponentialMovingAverage) -> None:
        if self._saved is None:
            raise MmmixError(
                'The checkpoint to resume from holds no moving average of the '
                f'guide ({KEY}): resume a run that had EMAGuideHook, or start '
                'a new one with load_from.')
        average.load_state_dict(self._saved)
        self._resumed = False


def ema_guides(model: nn.Module) -> List[EMAGuide]:
    """The EMA guides of a classifier."""
    guides = getattr(getattr(model, 'data_preprocessor', None), 'guides', {})
    return [
        guide for guide in dict.fromkeys(guides.values())
        if isinstance(guide, EMAGuide)
    ]


def _unwrapped(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model
