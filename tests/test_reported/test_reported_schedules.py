"""A run that is resumed with another schedule: B068."""
import json
import shutil

import pytest
import torch
from short_run import SHORT
from test_tools.tiny_smmix import __file__ as CONFIG

LONGER = 'train_cfg = dict(max_epochs=4)\n'
WARMUP = """
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=1, by_epoch=True,
         convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=1, by_epoch=True,
         convert_to_iter_based=True)]
"""
STEPS = "param_scheduler = dict(_delete_=True, type='MultiStepLR', " \
    'milestones={})\n'
SMALL_BATCH = 'train_dataloader = dict(batch_size=4)\n'
RATE = 'optim_wrapper = dict(optimizer=dict(lr=0.01))\n'
CONSTANT = 'param_scheduler = None\n'
ITERATIONS = """
train_cfg = dict(_delete_=True, by_epoch=False, max_iters={}, val_interval=99)
param_scheduler = dict(by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=4))
"""


@pytest.fixture
def rates(run_tool, tmp_path):
    """The learning rate of each step of a config, from the start or from the
    last checkpoint of another run."""

    def run(name, text, resumed=None):
        config = tmp_path / 'changed.py'
        config.write_text(f"_base_ = '{CONFIG}'\n"
                          f'train_cfg = dict(max_epochs=2)\n{text}')
        arguments = []
        if resumed:
            last = (tmp_path / resumed / 'last_checkpoint').read_text()
            arguments = ['--resume', last]
        run_tool('train.py', config, '--work-dir', tmp_path / name,
                 '--no-validate', *arguments, '--cfg-options',
                 'train_dataloader.dataset.num_images=16')
        log, = (tmp_path / name).glob('*/vis_data/scalars.json')
        lines = map(json.loads, log.read_text().splitlines())
        return [line['lr'] for line in lines if 'lr' in line]

    return run


@pytest.mark.parametrize(
    'before, after', [
        ('', LONGER),
        (WARMUP, WARMUP + LONGER),
        (STEPS.format('[1]'), STEPS.format('[1, 3]') + LONGER),
        (STEPS.format('[1, 3]'), STEPS.format('[2, 3]') + LONGER),
        ('', LONGER + SMALL_BATCH),
        (WARMUP, WARMUP + LONGER + SMALL_BATCH),
        ('', LONGER + RATE),
        ('', LONGER + CONSTANT),
        (CONSTANT, LONGER),
        (CONSTANT, LONGER + CONSTANT + RATE),
        (ITERATIONS.format(4), ITERATIONS.format(8)),
    ],
    ids=[
        'B068', 'warm-up', 'one more milestone', 'another milestone', 'batch',
        'batch and warm-up', 'rate', 'removed', 'added',
        'rate without schedule', 'iterations'
    ])
def test_b068_the_schedule_of_the_new_config(rates, before, after):
    """As in a run of it from the start. All but the first are unlisted."""
    rates('short', before)
    resumed = rates('longer', after, resumed='short')
    whole = rates('whole', after)
    assert len(resumed) == len(whole) // 2
    assert resumed == pytest.approx(whole[len(resumed):], rel=1e-6)


def test_b068_in_the_middle_of_an_epoch(rates):
    line = """
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=3,
                                     save_last=False))
param_scheduler = dict(_delete_=True, type='LinearLR', start_factor=0.01,
                       by_epoch=False, end={})
"""
    rates('short', line.format(4))
    resumed = rates('longer', LONGER + line.format(8), resumed='short')
    whole = rates('whole', LONGER + line.format(8))
    assert len(whole) % 4 == 0 and len(resumed) == len(whole) - 3
    assert resumed == pytest.approx(whole[3:], rel=1e-6)


def test_b068_what_is_followed_is_said(run_tool, tmp_path, trained, capsys):
    for epochs, said in (2, 0), (4, 1):
        work_dir = tmp_path / str(epochs)
        shutil.copytree(trained, work_dir)
        run_tool('train.py', CONFIG, '--work-dir', work_dir, '--resume',
                 work_dir / 'epoch_1.pth', *SHORT[:-1],
                 f'train_cfg.max_epochs={epochs}')
        output = ''.join(capsys.readouterr())
        assert output.count('another schedule than the checkpoint') == said
    assert 'learning rate 0.0005 -> 0.000853553' in output


def last_groups(folder):
    last = (folder / 'last_checkpoint').read_text()
    return torch.load(last, weights_only=False)['optimizer']['param_groups']


@pytest.mark.parametrize('more', ['', LONGER], ids=['alone', 'and schedule'])
def test_unlisted_resumed_with_other_options(rates, tmp_path, capsys, more):
    rates('short', '' if more else LONGER)
    last = tmp_path / 'short/last_checkpoint'
    last.write_text(last.read_text().replace('epoch_4', 'epoch_3'))
    capsys.readouterr()
    rates(
        'longer', f"""{LONGER}
optim_wrapper = dict(optimizer=dict(weight_decay=0.2, betas=(0.8, 0.99)))
""", 'short')
    for group in last_groups(tmp_path / 'longer'):
        assert tuple(group['betas']) == (0.8, 0.99)
        assert group['weight_decay'] == 0.2
    output = ''.join(capsys.readouterr())
    assert 'weight_decay 0.01 -> 0.2' in output
    assert 'betas (0.9, 0.999) -> (0.8, 0.99)' in output
    assert ('another schedule' in output) == bool(more)


def test_unlisted_scheduled_momentum_stays(rates, tmp_path, capsys):
    """A schedule's own values are no options that changed."""
    line = LONGER + """
param_scheduler = [dict(type='LinearMomentum', start_factor=0.5, by_epoch=True,
                        end=4)]
"""
    rates('whole', line)
    whole = [group['betas'] for group in last_groups(tmp_path / 'whole')]
    last = tmp_path / 'whole/last_checkpoint'
    last.write_text(last.read_text().replace('epoch_4', 'epoch_2'))
    capsys.readouterr()
    rates('resumed', line, 'whole')
    assert 'other options' not in ''.join(capsys.readouterr())
    assert whole == [g['betas'] for g in last_groups(tmp_path / 'resumed')]


def test_unlisted_resumed_with_other_merged_groups(rates):
    merged = """
optim_wrapper = dict(constructor='mmmix.MergedParamGroups',
                     optimizer=dict(weight_decay=0.1),
                     paramwise_cfg=dict({}_decay_mult=0.))
"""
    rates('short', merged.format('norm'))
    with pytest.raises(SystemExit, match='another optimizer: .*other sizes'):
        rates('longer', LONGER + merged.format('bias'), 'short')


@pytest.mark.parametrize('change, problem', [
    ("optimizer=dict(_delete_=True, type='SGD', lr=0.1)", 'with betas, eps'),
    ('optimizer=dict(weight_decay=0.1), paramwise_cfg=dict(norm_decay_mult=0)',
     '1 groups of parameters'),
])
def test_unlisted_resumed_with_another_optimizer(rates, change, problem):
    rates('short', '')
    with pytest.raises(SystemExit, match=f'another optimizer: .*{problem}'):
        rates('longer', f'{LONGER}optim_wrapper = dict({change})', 'short')
