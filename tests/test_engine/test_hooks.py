"""The average guide in a real run, and what a resumed run mixes."""
import copy

import pytest
import torch
from helpers import SMMIX, vit_config
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmmix.engine.hooks.ema_guide_hook import ema_guides


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


GUIDED = dict(guide=dict(type='EMAGuide'))
OWN = dict(GUIDED, custom_hooks=[dict(type='mmmix.EMAGuideHook', momentum=.3)])


class Notes(Hook):
    """Note the weights of model and guide around each iteration."""

    def __init__(self):
        self.before, self.after = [], []

    @staticmethod
    def note(runner, notes):
        model = runner.model
        average = ema_guides(model)[0].average
        notes.append(
            [m.backbone.pos_embed.detach().clone() for m in (model, average)])

    def before_train_iter(self, runner, *args, **kwargs):
        self.note(runner, self.before)

    def after_train_iter(self, runner, *args, **kwargs):
        self.note(runner, self.after)


def noted(cfg):
    runner, notes = Runner.from_cfg(cfg), Notes()
    runner.register_hook(notes, priority='LOWEST')
    runner.train()
    return runner, notes


def hook_of(runner, name):
    return next(h for h in runner.hooks if type(h).__name__ == name)


@pytest.mark.parametrize('paired', [False, True])
def test_the_hook_keeps_an_average_of_its_own(tmp_path, paired):
    """The recurrence by hand; the first step is copied."""
    options = dict(OWN)
    if paired:
        options['guide'] = dict(
            type='SelfGuide', attention=dict(type='EMAGuide'))
    runner, notes = noted(run_config(tmp_path, **options))
    # it begins with the weights that training begins with
    assert torch.equal(*notes.before[0])
    expected = notes.after[0][0].double()
    for step, (weights, average) in enumerate(notes.after):
        if step:
            expected = 0.7 * expected + 0.3 * weights.double()
        torch.testing.assert_close(average.double(), expected)
    assert len(notes.after) == 4
    assert not torch.equal(*notes.after[-1])
    # it is in the checkpoint, but no part of the model
    saved = torch.load(tmp_path / 'epoch_1.pth', weights_only=False)
    assert saved['state_dict'].keys() == runner.model.state_dict().keys()
    assert torch.equal(
        saved['guide_ema_state_dict']['module.backbone.pos_embed'],
        notes.after[-1][1])


def test_the_average_is_resumed(tmp_path):
    _, whole = noted(run_config(tmp_path / 'whole', iterations=8, **OWN))
    parts = run_config(tmp_path / 'parts', iterations=8, **OWN)
    parts.train_cfg.max_epochs = 1
    noted(copy.deepcopy(parts))
    parts.merge_from_dict(dict(resume=True, train_cfg=dict(max_epochs=2)))
    _, resumed = noted(parts)
    for one, other in zip(whole.after[4:], resumed.after):
        assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])
    assert len(resumed.after) == 4


def test_a_run_without_an_average_cannot_be_resumed_with_one(tmp_path):
    cfg = run_config(tmp_path)
    Runner.from_cfg(copy.deepcopy(cfg)).train()
    cfg = run_config(tmp_path, iterations=8, **OWN)
    cfg.resume = True
    with pytest.raises(ValueError, match='no moving average.*load_from'):
        Runner.from_cfg(cfg).train()
    # but it can be started from
    cfg.merge_from_dict(
        dict(resume=False, load_from=str(tmp_path / 'epoch_1.pth')))
    _, notes = noted(cfg)
    assert torch.equal(*notes.before[0])


def test_mmengines_average_is_shared(tmp_path):
    options = dict(
        GUIDED,
        custom_hooks=[
            dict(type='mmmix.EMAGuideHook'),
            dict(type='EMAHook', momentum=0.5)
        ])
    runner, notes = noted(run_config(tmp_path, **options))
    average = hook_of(runner, 'EMAHook').ema_model.module
    assert ema_guides(runner.model)[0].average is average
    # no second copy, neither in memory nor in the checkpoint
    assert hook_of(runner, 'EMAGuideHook').average is None
    saved = torch.load(tmp_path / 'epoch_1.pth', weights_only=False)
    assert 'guide_ema_state_dict' not in saved and 'ema_state_dict' in saved
    assert not any('guide' in name for name in runner.model.state_dict())
    assert not torch.equal(*notes.after[-1])


@pytest.mark.parametrize(
    'guide,hooks,message',
    [(None, [dict(type='mmmix.EMAGuideHook')], 'needs guide=.*EMAGuide'),
     (dict(type='EMAGuide'), ['EMAHook'], 'no moving average'),
     (dict(type='EMAGuide'), [dict(type='mmmix.EMAGuideHook', momentum=1.)
                              ], r'in \(0, 1\), not 1.0')])
def test_a_missing_partner_is_named(tmp_path, guide, hooks, message):
    cfg = run_config(
        tmp_path,
        guide=guide,
        custom_hooks=[
            h if isinstance(h, dict) else dict(type=h) for h in hooks
        ])
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
