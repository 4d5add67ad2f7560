"""Bad, missing and slow files in the middle of a training."""
import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.hooks import CheckpointHook, Hook
from mmengine.logging import MMLogger
from PIL import Image
from test_distributed.launching import train
from test_tools.conftest import tool_runner
from torch.utils.data import DataLoader

from mmmix.cli.runner import set_default_hooks
from mmmix.datasets import CustomDataset, LoadImage, WatchedPipeline
from mmmix.engine.hooks import LoadingHook
from mmmix.errors import MmmixError
from mmmix.registry import HOOKS

CONFIG = Path(__file__).with_name('bad_images.py')
BAD = {'cat/empty.jpg': b'', 'dog/two\nlines.png': b'<html>'}


@pytest.fixture
def root(tmp_path):
    """Two classes of seven images and one bad one each."""
    root = tmp_path / 'data'
    for name in ('cat', 'dog'):
        (root / name).mkdir(parents=True)
        for i in range(7):
            noise = np.random.default_rng(i).integers(
                0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(noise).save(root / name / f'{i}.png')
    for name, content in BAD.items():
        (root / name).write_bytes(content)
    return root


def options(root, *more):
    return ('--no-preflight', '--cfg-options',
            f'train_dataloader.dataset.data_root={root}', *more)


def listed(work_dir):
    """Times and reason of each skipped file, and the log."""
    path, = work_dir.glob('*/skipped_files*')
    assert path.name == 'skipped_files.txt'
    first, *rows = path.read_text(encoding='utf-8').splitlines()
    assert first == 'times\tfile\treason'
    cells = [row.split('\t') for row in rows]
    log, = work_dir.glob('*/*.log')
    return {
        json.loads(name): (int(times), reason)
        for times, name, reason in cells
    }, log.read_text()


def check(found, log, root, epochs):
    assert {*found} == {str(root / name) for name in BAD}
    assert found[str(root / 'cat/empty.jpg')][1] == 'the file is empty'
    assert all(times >= epochs for times, _ in found.values())
    total = sum(times for times, _ in found.values())
    assert f'2 files could not be decoded and were skipped, {total} ' in log
    for name in BAD:
        assert json.dumps(str(root / name)) in log


def test_what_was_skipped_is_listed_at_the_end(root, tmp_path, monkeypatch):
    tool_runner(monkeypatch, tmp_path)('train.py', CONFIG, '--work-dir',
                                       tmp_path / 'run', *options(root))
    check(*listed(tmp_path / 'run'), root, epochs=2)


def test_two_ranks_with_two_workers_each(root, tmp_path):
    train(CONFIG, tmp_path / 'run', *options(root))
    check(*listed(tmp_path / 'run'), root, epochs=2)


@HOOKS.register_module()
class VanishingHook(Hook):
    """Remove the data after the first epoch."""

    def after_train_epoch(self, runner):
        shutil.rmtree(runner.cfg.train_dataloader.dataset.data_root)


@pytest.mark.parametrize('workers', [0, 2])
def test_a_folder_that_vanishes(root, tmp_path, monkeypatch, workers, capfd):
    """One message, not one for each sample."""
    config = tmp_path / 'vanishing.py'
    config.write_text(f"_base_ = '{CONFIG}'\n"
                      "custom_hooks = [dict(type='VanishingHook')]\n")
    with pytest.raises(SystemExit) as error:
        tool_runner(monkeypatch, tmp_path)(
            'train.py', config, '--work-dir', tmp_path / 'run',
            *options(root, f'train_dataloader.num_workers={workers}'))
    message = str(error.value)
    assert message.count('There is no file') == 1
    assert f"'{root}/" in message
    assert f"its folder '{root}' does not exist" in message
    assert 'There is no file' not in ''.join(capfd.readouterr())


def watched(steps, data, **options):
    """A data set whose pipeline is watched."""
    data.pipeline = WatchedPipeline(
        Compose(steps), source=type(data).__name__, **options)
    return data


def named(text, what):
    return [
        line for line in text.splitlines()
        if 'has been loading' in line and what in line
    ]


def test_a_hanging_file_is_named_and_waited_for(tmp_path, capfd):
    """A pipe that nobody writes to, as a disk that does not answer."""
    MMLogger.get_instance('a_hanging_file')
    os.mkfifo(tmp_path / 'pipe.png')
    Image.new('RGB', (4, 4)).save(tmp_path / 'image.png')
    (tmp_path / 'list.txt').write_text('image.png 0\npipe.png 0\n')
    data = watched([LoadImage()],
                   CustomDataset(str(tmp_path), ann_file='list.txt'),
                   slow_after=.1)
    loader = iter(
        DataLoader(
            data, batch_size=1, num_workers=2, collate_fn=pseudo_collate))
    next(loader)
    said, end = '', time.monotonic() + 60
    while len(named(said, 'pipe.png')) < 3 and time.monotonic() < end:
        time.sleep(.05)
        said += ''.join(capfd.readouterr())
    (tmp_path / 'pipe.png').write_bytes((tmp_path / 'image.png').read_bytes())
    assert next(loader)['img'][0].shape == (4, 4, 3)
    lines = named(said, 'pipe.png')
    assert 'worker 1 has been loading' in lines[0]
    assert lines[0].endswith('s, now in LoadImage.')
    seconds = [float(line.split(' for ')[1].split()[0]) for line in lines]
    assert all(b >= 2 * a - .02 for a, b in zip(seconds, seconds[1:]))
    assert not named(said, 'image.png')


class Slow:

    def __call__(self, results):
        time.sleep(.5)
        return results


def test_a_slow_step_names_the_sample_without_a_file(capfd):
    from mmmix.datasets import SyntheticObjects
    MMLogger.get_instance('a_slow_step')
    data = watched([Slow()], SyntheticObjects(num_images=2), slow_after=.1)
    assert data[1]['gt_label'] is not None
    time.sleep(.3)  # the main process does nothing: that is not named
    said = ''.join(capfd.readouterr())
    assert named(
        said, 'the main process has been loading sample 1 of '
        'SyntheticObjects for')
    assert 'now in Slow.' in said and not named(said, 'sample 0')


class Failing:

    def __call__(self, results):
        raise ZeroDivisionError


class Nothing:

    def __call__(self, results):
        return None


def test_a_sample_on_which_a_step_fails_is_named(root, capfd):
    MMLogger.get_instance('a_failing_step')
    data = watched([Failing()], CustomDataset(str(root)), slow_after=60)
    with pytest.raises(ZeroDivisionError):
        data[0]
    said = ''.join(capfd.readouterr())
    assert f"Failing failed on '{root}/cat/0.png', loaded by the main" in said


def test_an_evaluation_leaves_nothing_out(root):
    data = watched([LoadImage(on_error='skip')],
                   CustomDataset(str(root), test_mode=True),
                   slow_after=60,
                   test_mode=True)
    with pytest.raises(MmmixError, match='LoadImage .*empty.jpg.* evaluation'):
        for i in range(len(data)):
            data[i]
    nothing = watched([Nothing()], CustomDataset(str(root)), slow_after=60)
    assert nothing.prepare_data(0) is None


@pytest.mark.parametrize('given, expected', [
    ({}, dict(type='mmmix.LoadingHook')),
    (dict(default_hooks={}), dict(type='mmmix.LoadingHook')),
    (dict(default_hooks=None), dict(type='mmmix.LoadingHook')),
    (dict(default_hooks=dict(checkpoint=dict(type=CheckpointHook))),
     dict(type='mmmix.LoadingHook')),
    (dict(default_hooks=dict(loading=dict(type='LoadingHook', slow_after=9))),
     dict(type='LoadingHook', slow_after=9)),
    (dict(default_hooks=dict(loading=None)), None),
])
def test_each_run_has_the_hook_unless_told(given, expected):
    cfg = Config(given)
    set_default_hooks(cfg)
    assert cfg.default_hooks.checkpoint.type == 'mmmix.CheckpointHook'
    assert cfg.default_hooks.get('loading') == expected


@pytest.mark.parametrize('slow_after', [0, -1, float('nan')])
def test_seconds_that_are_none(slow_after):
    with pytest.raises(MmmixError, match='`slow_after` '):
        LoadingHook(slow_after)
