"""Schedules that MMEngine does not have."""
from typing import List

from mmengine.optim import CosineAnnealingLR

from mmmix.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class GroupCosineAnnealingLR(CosineAnnealingLR):
    """MMEngine's ``CosineAnnealingLR``, with ends of their own for some groups
    of parameters.

    MMEngine's schedules have one end for all. Here a group ends at the
    ``eta_min`` that it has, which ``custom_keys`` give it::

        optim_wrapper = dict(
            optimizer=dict(type='SGD', lr=0.2),
            paramwise_cfg=dict(
                custom_keys=dict(mixers=dict(lr=0.1, eta_min=1e-3))))
        param_scheduler = dict(
            type='mmmix.GroupCosineAnnealingLR', eta_min=0.05)

    The module of a mixer then goes from 0.1 to 0.001, all else from 0.2 to
    0.05.

    Args:
        args, kwargs: Of ``mmengine.optim.CosineAnnealingLR``; they hold for
            groups without ``eta_min``.

    >>> import torch
    >>> groups = [dict(params=[torch.ones(1)]),
    ...           dict(params=[torch.ones(1)], eta_min=.5)]
    >>> optimizer = torch.optim.SGD(groups, lr=1.)
    >>> schedule = GroupCosineAnnealingLR(optimizer, T_max=2)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     schedule.step()
    >>> [round(group['lr'], 4) for group in optimizer.param_groups]
    [0.0, 0.5]
    """

    def _get_value(self) -> List[float]:
        values = super()._get_value()
        common = self.eta_min, self.eta_min_ratio
        for i, group in enumerate(self.optimizer.param_groups):
            if 'eta_min' in group:
                self.eta_min, self.eta_min_ratio = group['eta_min'], None
                values[i] = super()._get_value()[i]
        self.eta_min, self.eta_min_ratio = common
        return values
