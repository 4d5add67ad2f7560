"""Schedules with ends of their own for some parameters."""
import math

import pytest
from helpers import build, vit_config
from mmengine.config import ConfigDict
from mmengine.optim import build_optim_wrapper

from mmmix.registry import PARAM_SCHEDULERS


@pytest.mark.parametrize('common', [dict(eta_min=.05), dict(eta_min_ratio=.1)])
@pytest.mark.parametrize('in_iterations', [False, True])
def test_the_block_of_a_mixer_has_a_schedule_of_its_own(common, in_iterations):
    model = build(vit_config([dict(type='mmmix.AutoMix')]))
    wrapper = build_optim_wrapper(
        model,
        ConfigDict(
            optimizer=dict(type='SGD', lr=.2),
            paramwise_cfg=dict(
                custom_keys=dict(mixers=dict(lr=.1, eta_min=1e-3)))))
    block = {*model.mixers.parameters()}
    cfg = dict(type='mmmix.GroupCosineAnnealingLR', T_max=4, **common)
    steps = 4
    if in_iterations:
        cfg.update(convert_to_iter_based=True)
        steps = 12
    schedule = PARAM_SCHEDULERS.build(
        cfg, default_args=dict(optimizer=wrapper, epoch_length=3))
    for step in range(steps + 1):
        height = (1 + math.cos(math.pi * step / steps)) / 2
        for group in wrapper.param_groups:
            top, end = (.1, 1e-3) if group['params'][0] in block else (
                .2, common.get('eta_min', .02))
            assert group['lr'] == pytest.approx(end + (top - end) * height)
        wrapper.step()
        schedule.step()
