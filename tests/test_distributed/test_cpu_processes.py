import json
import re
from pathlib import Path

import pytest
import torch
from helpers import sharding
from launching import TOOLS, finish, fork, launch, start, train

from mmmix.checkpoint import load_weights
from mmmix.cli import build_model, load_config

CONFIG = Path(__file__).with_name('recorded.py')


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """What both ranks noted, the work directory and the log."""
    work_dir = tmp_path_factory.mktemp('run')
    log = launch('dist_train.sh', CONFIG, 2, '--work-dir', work_dir)
    notes = [torch.load(work_dir / f'rank{rank}.pt') for rank in (0, 1)]
    return notes, work_dir, log


def test_both_kinds_of_batches_train(run):
    (first, second), _, log = run
    assert ('Global batch: 8 images x 2 processes (cpu) x 1 pass a step = 16'
            in log)
    assert len(first) == len(second) == 8  # 32 images, 2 x 8 a step, 4 epochs
    assert {note['mixer'] for note in first} == {'SMMix', 'Mixup'}


def test_no_thread_of_the_group_outlives_the_run(run):
    """One that still worked as the interpreter ends would abort it."""
    _, work_dir, _ = run
    for rank in (0, 1):
        assert 'gloo' not in (work_dir / f'rank{rank}.threads').read_text()


def test_ranks_pick_the_same_mixer(run):
    (first, second), *_ = run
    assert [note['mixer']
            for note in first] == [note['mixer'] for note in second]


def test_ranks_draw_different_pairs(run):
    for one, other in zip(*run[0]):
        assert not torch.equal(one['source'], other['source'])
        if one['mixer'] == 'Mixup':
            assert not torch.equal(one['lam'], other['lam'])


def test_ranks_hold_equal_weights_after_each_step(run):
    before = None
    for one, other in zip(*run[0]):
        assert torch.equal(one['weights'], other['weights'])
        assert before is None or not torch.equal(one['weights'], before)
        before = one['weights']


def test_ranks_agree_also_with_seeds_of_their_own(tmp_path):
    train(CONFIG, tmp_path, '--no-validate', '--cfg-options',
          'randomness.diff_rank_seed=True')
    first, second = (torch.load(tmp_path / f'rank{r}.pt') for r in (0, 1))
    assert [note['mixer']
            for note in first] == [note['mixer'] for note in second]
    assert len({note['mixer'] for note in first}) == 2


def test_dist_test(run):
    _, work_dir, log = run
    fork(TOOLS / 'test.py', CONFIG, work_dir / 'epoch_4.pth', '--launcher',
         'pytorch', '--work-dir', work_dir, '--out', work_dir / 'metrics.json',
         '--out-item', 'metrics')
    tested = json.loads((work_dir / 'metrics.json').read_text())
    accuracy = tested['accuracy/top1']
    assert f'Epoch(val) [4][1/1]    accuracy/top1: {accuracy:.4f}' in log


@pytest.mark.parametrize('script, given, passed', [
    ('dist_train.sh', ['c.py', 3, '--amp'], 'train.py c.py'),
    ('dist_test.sh', ['c.py', 'w.pth', 3, '--amp'], 'test.py c.py w.pth'),
])
def test_what_the_scripts_start(script, given, passed):
    """On the second of two machines."""
    command = finish(
        start(
            script,
            *given,
            port=29501,
            PYTHON='echo',
            NNODES='2',
            NODE_RANK='1',
            MASTER_ADDR='10.0.0.1'))
    assert command.startswith(
        '-m torch.distributed.run --nnodes=2 --node_rank=1 '
        '--master_addr=10.0.0.1 --master_port=29501 --nproc_per_node=3 /')
    assert command.endswith(f'/{passed} --launcher pytorch --amp\n')


@sharding
def test_sharded_training_is_the_same(run, tmp_path):
    """FSDP: the guide asks the sharded root, and checkpoints are whole."""
    _, work_dir, log = run
    sharded = train(CONFIG.with_name('sharded.py'), tmp_path)
    assert ('Global batch: 8 images x 2 processes (cpu) x 1 pass a step = 16'
            in sharded)
    assert accuracies(sharded) == accuracies(log)
    model = build_model(load_config(str(CONFIG.with_name('sharded.py'))))
    load_weights(model, str(tmp_path / 'epoch_4.pth'))
    replicated = torch.load(work_dir / 'epoch_4.pth', weights_only=False)
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(weight, replicated['state_dict'][name])


def accuracies(log):
    return re.findall(r'accuracy/top1: ([0-9.]+)', log)
