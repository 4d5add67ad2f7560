"""Few groups of parameters in place of one for each parameter."""
from typing import List, Optional, Union

from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn

from mmmix.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MergedParamGroups(DefaultOptimWrapperConstructor):
    """MMEngine's default constructor, with parameters that are trained alike
    in one group.

    With a ``paramwise_cfg``, MMEngine makes a group of each parameter. An
    optimizer then takes one parameter at a time, and its ``foreach`` kernels,
    the default on a GPU, have nothing to join. A step of the optimizer
    computes the same with both.

    In a config::

        optim_wrapper = dict(
            constructor='mmmix.MergedParamGroups',
            optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
            paramwise_cfg=dict(bias_decay_mult=0.))

    The state of an optimizer lists the groups, so a run is resumed with the
    constructor with which it began.

    Args:
        args, kwargs: Of ``mmengine.optim.DefaultOptimWrapperConstructor``.
    """

    def add_params(self,
                   params: List[dict],
                   module: nn.Module,
                   prefix: str = '',
                   is_dcn_module: Optional[Union[int, float]] = None) -> None:
        super().add_params(params, module, prefix, is_dcn_module)
        if not prefix:  # the model itself, after all its modules
            params[:] = merge_groups(params)


def merge_groups(groups: List[dict]) -> List[dict]:
    """Join groups whose settings are equal, in the order of the first of each.

    >>> merge_groups([dict(params=[1]), dict(params=[2], lr=.1),
    ...               dict(params=[3])])
    [{'params': [1, 3]}, {'params': [2], 'lr': 0.1}]
    """
    merged: List[dict] = []
    for group in groups:
        for other in merged:
            if {**other, 'params': None} == {**group, 'params': None}:
                other['params'] += group['params']
                break
        else:
            merged.append(group)
    return merged
