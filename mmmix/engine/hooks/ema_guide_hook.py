from mmengine.hooks import EMAHook, Hook
from mmengine.model import is_model_wrapper

from mmmix.models import EMAGuide
from mmmix.registry import HOOKS


@HOOKS.register_module()
class EMAGuideHook(Hook):
    """Hand the moving average that ``EMAHook`` keeps to the model's guide.

    The model cannot reach the runner, so a hook does it, before the first
    iteration.

    Raises:
        ValueError: If there is no ``EMAHook``, or the guide is no
            :class:`~mmmix.models.EMAGuide`.
    """

    def before_train(self, runner) -> None:
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        guide = getattr(model.data_preprocessor, 'guide', None)
        if not isinstance(guide, EMAGuide):
            raise ValueError("EMAGuideHook needs guide=dict(type="
                             "'mmmix.EMAGuide') in the model's `train_cfg`, "
                             f'which has {type(guide).__name__}.')
        for hook in runner.hooks:
            if isinstance(hook, EMAHook):
                guide.bind_average(hook.ema_model.module)
                return
        raise ValueError('EMAGuideHook needs an EMAHook beside it: add '
                         "dict(type='EMAHook', momentum=1e-4) to "
                         '`custom_hooks`.')
