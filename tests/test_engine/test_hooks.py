"""The average guide in a real run, and what a resumed run mixes."""
import copy

import pytest
import torch
from helpers import SMMIX, vit_config
from mmengine.config import Config
from mmengine.runner import Runner


def run_config(tmp_path, guide=None, custom_hooks=None, iterations=4):
    return Config(
        dict(
            default_scope='mmmix',
            work_dir=str(tmp_path),
            experiment_name=tmp_path.name,
            model=vit_config([SMMIX], guide=guide, head=dict(num_classes=10)),
            train_dataloader=dict(
                batch_size=4,
                num_workers=0,
                dataset=dict(
                    type='mmmix.SyntheticObjects',
                    num_images=16,
                    pipeline=[dict(type='PackInputs')]),
                sampler=dict(type='DefaultSampler', shuffle=True)),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
            train_cfg=dict(by_epoch=True, max_epochs=iterations // 4),
            custom_hooks=custom_hooks or [],
            default_hooks=dict(
                checkpoint=dict(type='CheckpointHook', interval=1)),
            randomness=dict(seed=3),
            log_level='ERROR'))


def test_the_guide_is_the_average_that_the_hook_keeps(tmp_path):
    runner = Runner.from_cfg(
        run_config(
            tmp_path,
            guide=dict(type='EMAGuide'),
            custom_hooks=[
                dict(type='EMAHook', momentum=0.5),
                dict(type='mmmix.EMAGuideHook')
            ]))
    runner.train()
    average = runner.hooks[[type(h).__name__ for h in runner.hooks
                            ].index('EMAHook')].ema_model.module
    guide = runner.model.data_preprocessor.guide
    assert guide.model is average
    # no second copy: the average is in no checkpoint as part of the model
    names = runner.model.state_dict()
    assert not any('guide' in name for name in names)
    assert not torch.equal(names['backbone.pos_embed'],
                           average.backbone.pos_embed)


@pytest.mark.parametrize('guide,hooks,message', [
    (dict(type='EMAGuide'), ['EMAGuideHook'], 'needs an EMAHook'),
    (None, ['EMAHook', 'EMAGuideHook'], 'which has SelfGuide'),
    (dict(type='EMAGuide'), ['EMAHook'], 'no moving average')])
def test_a_missing_partner_is_named(tmp_path, guide, hooks, message):
    scoped = {'EMAGuideHook': 'mmmix.EMAGuideHook'}
    cfg = run_config(
        tmp_path,
        guide=guide,
        custom_hooks=[dict(type=scoped.get(h, h)) for h in hooks])
    with pytest.raises(ValueError, match=message):
        Runner.from_cfg(cfg).train()


def test_a_resumed_run_trains_as_an_uninterrupted_one(tmp_path):
    """Same mixes, same weights: mixing needs no stored state."""

    def train(name, **overrides):
        cfg = run_config(tmp_path / name, iterations=8)
        cfg.merge_from_dict(overrides)
        runner = Runner.from_cfg(copy.deepcopy(cfg))
        runner.train()
        return runner.model.state_dict()

    whole = train('whole')
    train('parts', train_cfg=dict(max_epochs=1))
    resumed = train('parts', resume=True)
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name
