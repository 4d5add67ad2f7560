"""A run that is stopped and resumed computes what an uninterrupted one does,
to the last bit."""
import pickle
import random
import re
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import sharding
from mmengine.config import Config
from mmengine.dataset import DefaultSampler, InfiniteSampler
from stopping_hook import Stopped
from test_distributed.launching import TOOLS, free_port, run_forked, start
from test_tools.conftest import tool_runner
from torch.utils.data import DataLoader

from mmmix.checkpoint import read_checkpoint
from mmmix.cli.runner import keep_seed
from mmmix.engine.seeding import (SeededBatch, SeededBatchSampler,
                                  seed_generators)

CONFIGS = Path(__file__).parent

BY_ITERATION = [
    'default_hooks.checkpoint.by_epoch=False',
    'default_hooks.checkpoint.interval=2'
]
LOOP = ['stopped_iterations.py']
ACCUMULATION = ['optim_wrapper.accumulative_counts=3']
OTHERS = [
    '--amp', 'model.train_cfg.guide.type=mmmix.SelfGuide',
    'custom_hooks.1.type=EMAHook',
    'train_dataloader.sampler.type=RepeatAugSampler',
    'train_dataloader.dataset.num_images=96'
]


def workers(number):
    return [
        f'train_dataloader.num_workers={number}',
        f'train_dataloader.persistent_workers={number > 0}'
    ]


# name: (stopped after iteration, resumed from, options, of saving)
RUNS = {
    'epochs': (6, 'epoch_1', [], []),
    'an epoch not complete': (7, 'iter_6', [], BY_ITERATION),
    'the end of an epoch': (4, 'iter_4', [], BY_ITERATION),
    'accumulation': (5, 'iter_4', ACCUMULATION, BY_ITERATION),
    'accumulation over epochs': (6, 'epoch_1', ACCUMULATION, []),
    'moving average, bfloat16, repeated images':
    (7, 'iter_6', OTHERS, BY_ITERATION),
    'iterations':
    (7, 'iter_6', [*LOOP,
                   'train_dataloader.sampler.type=InfiniteSampler'], []),
    'a strategy': (7, 'iter_6', ['runner_type=FlexibleRunner'], BY_ITERATION),
    'iterations over epochs': (7, 'iter_6', LOOP, []),
}


@pytest.fixture
def run(monkeypatch, tmp_path):
    tool = tool_runner(monkeypatch, tmp_path)
    # MMEngine's loop of iterations sleeps before it starts an epoch anew
    monkeypatch.setattr('mmengine.runner.loops.time',
                        SimpleNamespace(sleep=lambda seconds: None))

    def run(folder, options, *arguments, stop=-1, validate=False):
        arguments = [*arguments, *['--no-validate'] * (not validate)]
        arguments = [*arguments, *(o for o in options if o.startswith('--'))]
        config = next((o for o in options if o.endswith('.py')), 'stopped.py')
        options = [o for o in options if '=' in o]
        tool('train.py', CONFIGS / config, '--work-dir', folder,
             '--no-preflight', *arguments, '--cfg-options',
             f'custom_hooks.0.after={stop}', *options)

    return run


@pytest.fixture
def whole(run, tmp_path_factory):
    """The folder of an uninterrupted run, which is made once."""

    def make(options):
        name = '-'.join(options) or 'plain'
        folder = tmp_path_factory.getbasetemp() / name.replace('/', '')
        if not folder.exists():
            run(folder, options + workers(0))
        return folder

    return make


def losses(folder, rank=0):
    """What a run noted, by line."""
    return (folder / f'losses_{rank}.txt').read_text().splitlines()


def last(folder):
    return read_checkpoint((folder / 'last_checkpoint').read_text())


def same(one, other):
    """Whether two checkpoints hold the same, to the last bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return torch.equal(one, other) if torch.is_tensor(one) else one == other


def assert_exact(folder, whole, ranks=1):
    """That a stopped and resumed run noted and saved what a whole one did."""
    for rank in range(ranks):
        noted = losses(folder, rank)
        assert len(noted) >= len(losses(whole, rank))
        assert set(noted) == set(losses(whole, rank))
    one, other = last(folder), last(whole)
    assert one['meta']['iter'] == other['meta']['iter']
    for part in ('state_dict', 'optimizer', 'param_schedulers',
                 'guide_ema_state_dict', 'ema_state_dict', 'rank_states'):
        assert same(one.get(part), other.get(part)), part


@pytest.mark.parametrize('name', RUNS)
def test_exact(run, whole, tmp_path, capsys, name):
    stop, start, options, saving = RUNS[name]
    folder, whole = tmp_path / 'stopped', whole(options)
    with pytest.raises(Stopped):
        run(folder, options + saving + workers(2), stop=stop)
    assert Path((folder / 'last_checkpoint').read_text()).stem == start
    capsys.readouterr()
    run(folder, options + saving + workers(0), '--resume')
    assert 'from an uninterrupted' not in capsys.readouterr().out
    assert_exact(folder, whole)


def test_a_strategy_with_mmengines_average(run, tmp_path):
    """MMEngine alone fails with an AttributeError."""
    strategy = 'runner_type=FlexibleRunner'
    options = [
        'custom_hooks.1.type=EMAHook',
        'model.train_cfg.guide.type=mmmix.SelfGuide', *ACCUMULATION,
        *BY_ITERATION
    ]
    with pytest.raises(Stopped):
        run(tmp_path, [strategy, *options], stop=5)
    with pytest.raises(SystemExit, match="with an EMAHook.*'Runner'"):
        run(tmp_path, [strategy, *options], '--resume')
    with pytest.raises(Stopped):
        run(tmp_path, options, '--resume', stop=6)
    numbers = [line.split()[0] for line in losses(tmp_path)]
    assert numbers == ['0', '1', '2', '3', '4', '4', '5']


def train_two(config, folder, *options, stop=-1, resume=False):
    """Train in two forks; the exit codes and what they printed."""
    return run_forked(TOOLS / 'train.py', CONFIGS / config, '--launcher',
                      'pytorch', '--work-dir', folder, '--no-preflight',
                      '--no-validate', *['--resume'] * resume, '--cfg-options',
                      f'custom_hooks.0.after={stop}', *options)


@pytest.fixture
def whole_of_two(tmp_path_factory):
    """The folder of an uninterrupted run of two processes, made once."""

    def make(config):
        folder = tmp_path_factory.getbasetemp() / config
        if not folder.exists():
            codes, logs = train_two(config, folder)
            assert codes == [0, 0], logs
        return folder

    return make


def assert_resumes(config, folder, whole):
    codes, logs = train_two(config, folder, resume=True)
    assert codes == [0, 0], logs
    assert 'from an uninterrupted' not in logs[0]
    assert_exact(folder, whole, ranks=2)


@pytest.mark.parametrize('config', [
    'stopped_processes.py',
    pytest.param('stopped_sharded.py', marks=sharding),
])
def test_two_processes(whole_of_two, tmp_path, config):
    """One is killed, in the middle of an epoch."""
    folder = tmp_path / 'stopped'
    codes, _ = train_two(config, folder, stop=7)
    assert codes[0] and codes[1] == -signal.SIGKILL
    assert (folder / 'last_checkpoint').read_text().endswith('iter_5.pth')
    if config == 'stopped_processes.py':
        state = last(folder)['rank_states'][1]
        assert state['gradients'] and state['buffers']
    assert_resumes(config, folder, whole_of_two(config))


def test_two_processes_go_on_without_an_average(tmp_path):
    config = tmp_path / 'averaged.py'
    average = ", dict(type='EMAHook', update_buffers=True)"
    text = f"""
_base_ = '{CONFIGS / 'stopped_processes.py'}'
model = dict(train_cfg=dict(guide=dict(type='mmmix.SelfGuide')))
custom_hooks = [
    dict(type='mmmix.StoppingHook', rank=1, by='SIGKILL'){average}]
"""
    config.write_text(text)
    train_two(config, tmp_path, stop=7)
    averaged = last(tmp_path)['rank_states'][1]['buffers']
    config.write_text(text.replace(average, ''))
    codes, logs = train_two(config, tmp_path, resume=True)
    assert codes == [0, 0], logs
    own = last(tmp_path)['rank_states'][1]['buffers']
    assert own and own.keys() < averaged.keys()


def test_the_best_checkpoint_holds_all_processes(tmp_path):
    codes, logs = run_forked(TOOLS / 'train.py',
                             CONFIGS / 'stopped_processes.py', '--launcher',
                             'pytorch', '--work-dir', tmp_path,
                             '--no-preflight', '--cfg-options',
                             'train_cfg.max_epochs=1',
                             'default_hooks.checkpoint.save_best=auto')
    assert codes == [0, 0], logs
    path, = tmp_path.glob('best_*.pth')
    assert read_checkpoint(path)['rank_states'][1]['buffers']


def test_the_crash_of_one_process_ends_the_others(tmp_path):
    """And the launcher says which one it was."""
    killed = start(
        'dist_train.sh',
        CONFIGS / 'stopped_processes.py',
        2,
        '--work-dir',
        tmp_path,
        '--no-preflight',
        '--no-validate',
        '--cfg-options',
        'custom_hooks.0.after=2',
        port=free_port(),
        PYTHONPATH=str(CONFIGS))
    _, errors = killed.communicate(timeout=400)
    assert time.time() - (tmp_path / 'losses_1.txt').stat().st_mtime < 60
    assert killed.returncode
    assert re.search(r'rank *: 1 .*\n *exitcode *: -9', errors)


class Drawn(torch.utils.data.Dataset):
    """What the generators give for an index."""

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return index, np.random.rand(), random.random(), torch.rand(1).item()

    def get_data_info(self, index):
        return dict(width=index % 2, height=.5)


def drawn(batches, **kwargs):
    loader = DataLoader(
        Drawn(), batch_sampler=batches, collate_fn=list, **kwargs)
    return list(loader)


def seeded(**kwargs):
    sampler = DefaultSampler(Drawn(), shuffle=True, seed=0)
    return SeededBatchSampler(sampler, batch_size=3, seed=1, **kwargs)


def test_draws_do_not_depend_on_workers():
    alone = drawn(seeded())
    draws = [draw for batch in alone for draw in batch]
    assert len({draw for one in draws for draw in one[1:]}) == 30
    assert drawn(seeded(), num_workers=2) == alone
    assert drawn(seeded(rank=1)) != alone
    spawned = pickle.loads(pickle.dumps(SeededBatch([3, 4], ('key', ))))
    assert spawned == [3, 4] and spawned.key == ('key', )


@pytest.mark.parametrize('inner', [None, 'mmdet.AspectRatioBatchSampler'])
def test_skipped_batches(inner):
    if inner:
        pytest.importorskip('mmdet')
        import mmdet.datasets  # noqa: F401
        inner = dict(type=inner)
    whole = drawn(seeded(batch_sampler=inner))
    assert len(whole) == 4
    for skip in range(5):
        batches = seeded(batch_sampler=inner)
        batches.start(iteration=skip, skip=skip)
        assert drawn(batches) == whole[skip:]
        assert len(batches) == 4


def test_a_batch_sampler_of_its_own_drops_the_last_batch_itself():
    with pytest.raises(ValueError, match='give drop_last=True to `batch_sam'):
        seeded(batch_sampler=dict(type='BatchSampler'), drop_last=True)


def test_batches_skipped_over_several_epochs():

    def passes(batches):
        while True:
            yield from batches

    whole, later = seeded(), seeded()
    whole.start(0, epoch=0)
    later.start(9, skip=9, epoch=0)
    whole, later = passes(whole), passes(later)
    batches = [next(whole) for _ in range(20)]
    assert batches[:4] != batches[4:8]
    for batch in batches[9:]:
        other = next(later)
        assert (other, other.key) == (batch, batch.key)


def test_an_endless_sampler():
    sampler = InfiniteSampler(Drawn(), seed=0)
    whole = iter(SeededBatchSampler(sampler, batch_size=3, seed=1))
    batches = [next(whole) for _ in range(9)]
    later = SeededBatchSampler(
        InfiniteSampler(Drawn(), seed=0), batch_size=3, seed=1)
    later.start(7, skip=7, epoch=0)
    assert [batch.key for _, batch in zip(range(2), later)
            ] == [batch.key for batch in batches[7:]]


def test_generators_are_seeded_differently():
    seed_generators('key')
    drawn = torch.rand(1).item(), np.random.rand(), random.random()
    assert len(set(drawn)) == 3
    seed_generators('other key')
    assert not {torch.rand(1).item(), np.random.rand()} & set(drawn)


def test_the_seed_of_the_checkpoint(tmp_path):
    path = tmp_path / 'w.pth'
    torch.save(dict(meta=dict(seed=7)), path)
    for seed in (None, 7, 8):
        cfg = Config(dict(randomness=dict(seed=seed, deterministic=True)))
        keep_seed(cfg, str(path))
        assert cfg.randomness == dict(seed=7, deterministic=True)


def test_what_is_not_exact_is_said(run, tmp_path, capsys):
    folder = tmp_path / 'run'
    with pytest.raises(Stopped):
        run(folder, BY_ITERATION, stop=6)
    with pytest.raises(Stopped):
        run(folder, ['train_dataloader.batch_size=4'], '--resume', stop=13)
    output = capsys.readouterr().out
    assert ('will differ from an uninterrupted one: batch size 8 -> 4, '
            'batches per epoch 4 -> 8.') in output
    # the second half of the second epoch
    assert '4 of 8 batches of epoch 2 were consumed' in output
    assert losses(folder)[-1].startswith('12 4 ')

    path = folder / 'iter_6.pth'
    checkpoint = read_checkpoint(path)
    del checkpoint['place_in_run']
    torch.save(checkpoint, path)
    with pytest.raises(Stopped):  # the second epoch begins anew
        run(folder, [], '--resume', path, stop=5)
    assert 'but not exactly' in capsys.readouterr().out


@pytest.mark.parametrize('resumed, dropped', [
    ('optim_wrapper.accumulative_counts=3', 0),
    ('optim_wrapper.accumulative_counts=2', 1),
    ('train_dataloader.batch_size=4', 1),
])
def test_gradients_of_another_accumulation(run, tmp_path, capsys, resumed,
                                           dropped):
    folder = tmp_path / 'run'
    saving = [*ACCUMULATION, *BY_ITERATION]
    with pytest.raises(Stopped):
        run(folder, saving, stop=5)
    capsys.readouterr()
    with pytest.raises(Stopped):
        run(folder, [*saving, resumed], '--resume', stop=9)
    output = capsys.readouterr().out
    assert output.count('1 of 3 passes were accumulated') == dropped
    assert output.count('in the checkpoint: none is lost') == 1 - dropped


@pytest.mark.parametrize('changed, length', [
    ('train_dataloader.batch_size=4', 8),
    ('train_dataloader.dataset.num_images=16', 2),
])
def test_the_iteration_is_that_of_the_new_epochs(run, tmp_path, changed,
                                                 length):
    """So what follows its share of the run, or accumulates, ends with it."""
    folder = tmp_path / 'run'
    options = [*ACCUMULATION, 'param_scheduler.end=30']
    with pytest.raises(Stopped):
        run(folder, options, stop=9)
    run(folder, [*options, changed], '--resume')
    numbers = [line.split()[0] for line in losses(folder)[9:]]
    assert numbers == [str(i) for i in range(2 * length, 3 * length)]
    state = last(folder)
    assert state['meta']['iter'] == 3 * length
    schedule, = state['param_schedulers']
    assert schedule['last_step'] == 3 * length
