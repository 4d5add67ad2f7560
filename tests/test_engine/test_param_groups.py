"""Groups of parameters that are trained alike."""
import copy

import torch
from helpers import batch, build, vit_config
from mmengine.config import ConfigDict
from mmengine.optim import build_optim_wrapper


def test_parameters_that_are_trained_alike_share_a_group():
    config = ConfigDict(
        constructor='mmmix.MergedParamGroups',
        optimizer=dict(type='AdamW', lr=.1, weight_decay=.05),
        clip_grad=dict(max_norm=.1),
        paramwise_cfg=dict(
            norm_decay_mult=0.,
            bias_decay_mult=0.,
            custom_keys={'.cls_token': dict(lr_mult=.5, decay_mult=0.)}))
    merged = build(vit_config([dict(type='mmmix.Mixup')])).train()
    single = copy.deepcopy(merged)
    wrapper = build_optim_wrapper(merged, config)
    settings = [(group['lr'], group['weight_decay'])
                for group in wrapper.optimizer.param_groups]
    assert sorted(settings) == [(.05, 0.), (.1, 0.), (.1, .05)]
    config.pop('constructor')
    stock = build_optim_wrapper(single, config)
    assert len(stock.optimizer.param_groups) == len([*single.parameters()])
    for _ in range(3):
        torch.manual_seed(0)
        merged.train_step(batch(), wrapper)
        torch.manual_seed(0)
        single.train_step(batch(), stock)
    for name, weight in merged.named_parameters():
        torch.testing.assert_close(
            weight, single.get_parameter(name), msg=name)


def test_parameters_without_settings_of_their_own_are_one_group():
    config = ConfigDict(
        constructor='mmmix.MergedParamGroups',
        optimizer=dict(type='SGD', lr=.1))
    wrapper = build_optim_wrapper(build(vit_config()), config)
    assert len(wrapper.optimizer.param_groups) == 1
