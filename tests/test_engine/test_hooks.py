"""The EMA guide in a real run, and what a resumed run mixes."""
import copy
import math

import pytest
import torch
from helpers import SMMIX, cnn_config, vit_config
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmmix.engine import EMAGuideHook
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
    """Record the weights of model and guide around each iteration."""

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
    # it starts from the weights that training starts from
    assert torch.equal(*notes.before[0])
    expected = notes.after[0][0].double()
    for step, (weights, average) in enumerate(notes.after):
        if step:
            expected = 0.7 * expected + 0.3 * weights.double()
        torch.testing.assert_close(average.double(), expected)
    assert len(notes.after) == 4
    assert not torch.equal(*notes.after[-1])
    # it is in the checkpoint, but not part of the model
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
    [(None, [dict(type='mmmix.EMAGuideHook')], 'requires guide=.*EMAGuide'),
     (dict(type='EMAGuide'), ['EMAHook'], 'no moving average'),
     (dict(type='EMAGuide'), [dict(type='mmmix.EMAGuideHook', momentum=1.)
                              ], r'in \(0, 1\), not 1.0')])
def test_a_missing_guide_or_hook_is_named(tmp_path, guide, hooks, message):
    cfg = run_config(
        tmp_path,
        guide=guide,
        custom_hooks=[
            h if isinstance(h, dict) else dict(type=h) for h in hooks
        ])
    with pytest.raises(ValueError, match=message):
        Runner.from_cfg(cfg).train()


def test_a_resumed_run_trains_as_an_uninterrupted_one(tmp_path):
    """Same mixes, same weights: mixing requires no stored state."""

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


FALLING = dict(
    type='mmmix.EMAGuideHook', momentum=.3, end_momentum=.01, begin=.25)


@pytest.mark.parametrize('shared', [False, True])
def test_the_momentum_falls(tmp_path, shared):
    """The recurrence by hand, also in the average that EMAHook keeps."""
    hooks = [FALLING] + shared * [dict(type='EMAHook', momentum=.9)]
    _, notes = noted(
        run_config(tmp_path, iterations=8, custom_hooks=hooks, **GUIDED))
    expected = notes.after[0][0].double()
    for step, (weights, average) in enumerate(notes.after):
        momentum = .3
        if step >= 2:  # a quarter of eight
            momentum = .01 + .29 * (1 + math.cos(math.pi * step / 8)) / 2
        if step:
            expected = (1 - momentum) * expected + momentum * weights.double()
        torch.testing.assert_close(average.double(), expected)
    assert len(notes.after) == 8


@pytest.mark.parametrize('average', [False, True])
def test_statistics_are_copied_or_averaged(tmp_path, average):
    cfg = run_config(
        tmp_path,
        iterations=4,
        custom_hooks=[
            dict(
                type='mmmix.EMAGuideHook', momentum=.3, update_buffers=average)
        ],
        **GUIDED)
    cfg.model = cnn_config([SMMIX], head=dict(num_classes=10), **GUIDED)
    runner = Runner.from_cfg(cfg)

    class Statistics(Notes):

        @staticmethod
        def note(runner, notes):
            networks = runner.model, ema_guides(runner.model)[0].average
            notes.append(
                [m.backbone.bn1.running_mean.clone() for m in networks])

    seen = Statistics()
    runner.register_hook(seen, priority='LOWEST')
    runner.train()
    expected = seen.after[0][0]
    for own, kept in seen.after[1:]:
        expected = expected.lerp(own, .3) if average else own
        torch.testing.assert_close(kept, expected)


@pytest.mark.parametrize('options', [
    dict(end_momentum=0.),
    dict(end_momentum=1.),
    dict(end_momentum=.1, begin=1.),
])
def test_a_momentum_out_of_range(options):
    with pytest.raises(
            ValueError, match=r'`end_momentum` must be in \(0, 1\)'):
        EMAGuideHook(**options)


def test_an_average_without_a_momentum_cannot_be_scheduled(tmp_path):
    hooks = [FALLING, dict(type='EMAHook', ema_type='StochasticWeightAverage')]
    cfg = run_config(tmp_path, custom_hooks=hooks, **GUIDED)
    with pytest.raises(ValueError, match='StochasticWeightAverage.*no mom'):
        Runner.from_cfg(cfg).train()


LEARNING = dict(
    type='mmmix.AutoMix',
    loss=dict(type='mmmix.GeneratorLoss', mask_decay='cosine'))


@pytest.mark.parametrize('shared', [False, True])
def test_a_resumed_run_learns_to_mix_as_an_uninterrupted_one(tmp_path, shared):
    """The block and the average of the network are in the checkpoint."""
    hooks = [FALLING] + shared * [dict(type='EMAHook')]

    def train(name, **overrides):
        cfg = run_config(tmp_path / name, iterations=8, custom_hooks=hooks)
        cfg.model = vit_config([LEARNING],
                               head=dict(num_classes=10),
                               guide=dict(
                                   type='EMAGuide', feature_layer='layers.0'))
        # a learning rate of its own
        cfg.optim_wrapper.paramwise_cfg = dict(
            custom_keys=dict(mixers=dict(lr=.5)))
        cfg.merge_from_dict(overrides)
        runner = Runner.from_cfg(cfg)
        runner.train()
        groups = runner.optim_wrapper.optimizer.param_groups
        assert {group['lr'] for group in groups} == {.1, .5}
        average, = (guide.average for guide in ema_guides(runner.model))
        return {
            **runner.model.state_dict(),
            **average.state_dict(prefix='average.')
        }

    whole = train('whole')
    resumed = train(
        'again', resume=True, load_from=str(tmp_path / 'whole/epoch_1.pth'))
    assert any(name.startswith('mixers.AutoMix') for name in whole)
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name
