from mmengine.hooks import Hook
from mmengine.optim import OptimWrapperDict


class PlainGroupsHook(Hook):
    """Let ``torch.compile`` take a training step whose optimizer comes from a
    config.

    MMEngine's ``ConfigDict`` makes groups of parameters that are again
    ``ConfigDict``, and the compiler of torch 2.14 stops at an optimizer whose
    groups are not plain dicts. They hold the same here, as plain dicts.
    """

    def before_train(self, runner) -> None:
        wrapper = runner.optim_wrapper
        wrappers = (
            wrapper.values()
            if isinstance(wrapper, OptimWrapperDict) else [wrapper])
        for each in wrappers:
            groups = each.optimizer.param_groups
            groups[:] = [dict(group) for group in groups]
