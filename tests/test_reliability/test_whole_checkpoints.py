"""Checkpoints are whole or absent, and an older one is kept until then."""
import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from mmengine.fileio import get_file_backend
from test_tools.conftest import tool_runner
from test_tools.tiny_smmix import __file__ as CONFIG

from mmmix.checkpoint import (check_checkpoint, checkpoint_to_resume,
                              read_checkpoint, save_whole)
from mmmix.checkpoint.saving import write_whole
from mmmix.cli import claim_work_dir

SAVER = """
import sys, torch
from mmmix.checkpoint import save_whole
number = 0
while True:
    number += 1
    save_whole(dict(w=torch.full((1_000_000, ), number)), sys.argv[1])
    print(number, flush=True)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_killed_save_leaves_the_file_before_it(tmp_path):
    path = tmp_path / 'w.pth'
    rng = random.Random(0)
    saver = subprocess.Popen([sys.executable, '-c', SAVER, path],
                             stdout=subprocess.PIPE,
                             text=True)
    for _ in range(3):
        saver.stdout.readline()
    time.sleep(rng.random() / 20)
    saver.send_signal(signal.SIGKILL)
    said = [int(line) for line in saver.stdout.read().split()]
    values = read_checkpoint(path)['w'].unique().tolist()
    assert len(values) == 1 and values[0] in (*said, 3, max(said + [3]) + 1)
    check_checkpoint(path, whole=True)


@pytest.mark.parametrize('number', [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk(tmp_path, monkeypatch, number):
    path = tmp_path / 'w.pth'
    save_whole(dict(w=1), path)

    def full(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(ValueError, match='takes 1.0 MiB, but .* are left'):
        write_whole(bytes(2**20), path)
    assert read_checkpoint(path) == dict(w=1) and names(tmp_path) == ['w.pth']


def test_other_errors_are_not_hidden(tmp_path):
    (tmp_path / 'w.pth').mkdir()
    with pytest.raises(OSError, match='w.pth'):
        write_whole(b'content', tmp_path / 'w.pth')
    assert names(tmp_path) == ['w.pth']


def test_mmengine_saves_whole_files(tmp_path, monkeypatch):
    path = str(tmp_path / 'new' / 'w.pth')
    backend = get_file_backend(path)
    backend.put(b'old', path)

    def killed(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, 'replace', killed)
    with pytest.raises(KeyboardInterrupt):
        backend.put(b'new', path)
    assert Path(path).read_bytes() == b'old'


def test_a_wrong_byte_is_found(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    save_whole(dict(w=torch.zeros(10_000)), path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    check_checkpoint(path)
    with pytest.raises(ValueError, match='is damaged'):
        check_checkpoint(path, whole=True)


def test_which_checkpoint_is_resumed(tmp_path):
    assert checkpoint_to_resume(tmp_path) is None
    for number in (1, 2):
        path = tmp_path / f'epoch_{number}.pth'
        save_whole(dict(w=number), path)
        os.utime(path, (number, number))
    save_whole(dict(w=3), tmp_path / 'best_accuracy_epoch_1.pth')
    # killed before its name was noted
    assert checkpoint_to_resume(tmp_path) == str(tmp_path / 'epoch_2.pth')
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_1.pth'))
    assert checkpoint_to_resume(tmp_path) == str(tmp_path / 'epoch_1.pth')


def test_a_copy_resumes_its_own_checkpoint(tmp_path):
    before, copy = tmp_path / 'before', tmp_path / 'copy'
    path = before / 'epoch_1.pth'
    save_whole(dict(w=1), path)
    (before / 'last_checkpoint').write_text(str(path))
    shutil.copytree(before, copy)
    assert checkpoint_to_resume(copy) == str(copy / 'epoch_1.pth')
    (copy / 'epoch_1.pth').unlink()  # checkpoints have a folder of their own
    assert checkpoint_to_resume(copy) == str(path)


@pytest.fixture
def run(monkeypatch, tmp_path):
    run = tool_runner(monkeypatch, tmp_path)
    return lambda *arguments, epochs=3, keep=1, options=(): run(
        'train.py', CONFIG, '--work-dir', tmp_path / 'run', '--no-preflight', *
        arguments, '--cfg-options', f'train_cfg.max_epochs={epochs}',
        f'default_hooks.checkpoint.max_keep_ckpts={keep}',
        'default_hooks.checkpoint.save_best=auto', *options)


def test_an_old_checkpoint_goes_after_the_new_one_is_safe(
        run, tmp_path, monkeypatch):
    from mmmix.checkpoint import saving
    seen = []

    def fails_at_the_last(content, path):
        if 'epoch_3' in str(path):
            raise OSError(errno.EIO, 'input/output error')
        seen.append([
            name for name in names(tmp_path / 'run') if name.endswith('.pth')
        ])
        write_whole(content, path)

    monkeypatch.setattr(saving, 'write_whole', fails_at_the_last)
    with pytest.raises(OSError, match='input/output'):
        run()
    assert all('epoch_1.pth' in before for before in seen[1:]
               if 'epoch_2.pth' not in before)
    kept = {n for n in names(tmp_path / 'run') if n.startswith('epoch')}
    assert kept == {'epoch_2.pth'}
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)


def test_the_ones_to_keep_are_kept(run, tmp_path):
    run(keep=2)
    kept = [n for n in names(tmp_path / 'run') if n.endswith('.pth')]
    assert [n for n in kept
            if n.startswith('epoch')] == ['epoch_2.pth', 'epoch_3.pth']
    assert sum(n.startswith('best') for n in kept) == 1
    assert Path((tmp_path / 'run/last_checkpoint').read_text()).is_file()


@pytest.mark.parametrize('runner', ['Runner', 'FlexibleRunner'])
@pytest.mark.parametrize('by_epoch', [True, False])
def test_a_checkpoint_that_is_saved_again_says_when(run, tmp_path, runner,
                                                    by_epoch):
    """With a better score; MMEngine's FlexibleRunner counts one too many, so
    that a resumed run would leave out an epoch."""
    run(keep=-1,
        epochs=2,
        options=[
            f'runner_type={runner}',
            'default_hooks.checkpoint.interval=' + ('1' if by_epoch else '4'),
            f'default_hooks.checkpoint.by_epoch={by_epoch}'
        ])
    saved = [
        read_checkpoint(path)['meta']
        for path in sorted((tmp_path / 'run').glob('[ei]*_*.pth'))
    ]
    counts = [(meta['epoch'], meta['iter']) for meta in saved]
    assert counts == ([(1, 4), (2, 8)] if by_epoch else [(1, 4), (1, 8)])


def test_checkpoints_in_a_folder_of_their_own(run, tmp_path):
    run(options=[
        'default_hooks.checkpoint.filename_tmpl=saved/epoch_{}.pth',
        'default_hooks.checkpoint.save_best=None'
    ])
    assert [*names(tmp_path / 'run/saved')] == ['epoch_3.pth']


@pytest.mark.parametrize('copied', [False, True])
@pytest.mark.parametrize('keys', ['auto', '[accuracy/top1,accuracy/top5]'])
def test_the_best_checkpoint_of_another_run_is_kept(run, tmp_path, copied,
                                                    keys):
    """The run that is resumed in another directory has a first score that is
    better; of a copy the old one goes."""
    before, after = tmp_path / 'run', tmp_path / 'other'
    options = [
        'val_evaluator.topk=(1,5)',
        f'default_hooks.checkpoint.save_best={keys}'
    ]
    run(epochs=1, options=options)
    best = [n for n in names(before) if n.startswith('best')]
    last = before / 'epoch_1.pth'
    saved = read_checkpoint(last)
    for key in saved['message_hub']['runtime_info']:
        if key.startswith('best_score'):
            saved['message_hub']['runtime_info'][key] = -1.
    torch.save(saved, last)
    if copied:
        shutil.copytree(before, after)
    run('--work-dir', after, '--resume', last, epochs=2, options=options)
    assert [n for n in names(before) if n.startswith('best')] == best
    assert [n for n in names(after) if n.startswith('best')
            ] == [name.replace('epoch_1', 'epoch_2') for name in best]


HOLDER = """
import os, sys, time
from mmmix.cli import claim_work_dir
claim_work_dir(sys.argv[1])
worker = os.fork()
if worker:
    print('held', worker, flush=True)
time.sleep(60)
"""


def test_a_work_directory_has_one_run(run, tmp_path):
    work_dir = tmp_path / 'run'
    holder = subprocess.Popen([sys.executable, '-c', HOLDER, work_dir],
                              stdout=subprocess.PIPE,
                              text=True)
    held, worker = holder.stdout.readline().split()
    assert held == 'held'
    with pytest.raises(SystemExit, match=f'Process {holder.pid} on .*--work-'):
        run()
    holder.kill()
    holder.wait()
    try:
        claim_work_dir(work_dir)  # while its worker lives
    finally:
        os.kill(int(worker), signal.SIGKILL)
    claim_work_dir(work_dir)  # the same process again


@pytest.mark.parametrize('made', ['run', 'run/.lock/folder'])
def test_a_work_directory_that_cannot_be_written(run, tmp_path, made):
    """As another user's, or a read-only one; root may write to these."""
    if made == 'run':
        (tmp_path / made).touch()
    else:
        (tmp_path / made).mkdir(parents=True)
    with pytest.raises(SystemExit, match='error: The work .* another --work-'):
        run()
