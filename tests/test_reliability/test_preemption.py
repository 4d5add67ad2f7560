"""A run that is asked to stop finishes its step, saves, and says so."""
import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_distributed.launching import TOOLS
from test_exact_resume import (LOOP, assert_exact, assert_resumes, losses, run,
                               train_two, whole, whole_of_two, workers)

from mmmix.engine.hooks import AGAIN, saving_when_stopped

run, whole, whole_of_two = run, whole, whole_of_two  # fixtures


def test_a_run_is_asked_to_stop(run, whole, tmp_path):
    folder, whole = tmp_path / 'run', whole([])
    before = signal.getsignal(signal.SIGUSR1)
    with pytest.raises(SystemExit) as stopped:
        run(folder, ['custom_hooks.0.by=SIGUSR1', *workers(2)], stop=6)
    assert stopped.value.code == AGAIN
    assert signal.getsignal(signal.SIGUSR1) == before
    assert len(losses(folder)) == 6
    assert Path((folder / 'last_checkpoint').read_text()).name == 'stopped.pth'
    run(folder, workers(0), '--resume')
    assert losses(folder) == losses(whole)
    assert_exact(folder, whole)


@pytest.mark.parametrize('option, saved', [
    ('default_hooks.checkpoint.type=mmengine.CheckpointHook', True),
    ('default_hooks.checkpoint.type=OwnCheckpointHook', True),
    ('default_hooks.checkpoint=None', False),
])
def test_it_says_whether_it_is_saved(run, tmp_path, capsys, option, saved):
    folder = tmp_path / 'run'
    with pytest.raises(SystemExit) as stopped:
        run(folder, ['custom_hooks.0.by=SIGTERM', option], stop=2)
    assert stopped.value.code == (AGAIN if saved else 1)
    assert (folder / 'stopped.pth').exists() == saved
    output = capsys.readouterr().out
    assert ('--resume goes on' in output) == saved
    assert ('not saved: its config has no CheckpointHook' in output) != saved
    if saved:
        run(folder, [option.replace('OwnC', 'C')], '--resume')
        assert len(losses(folder)) == 12


@pytest.mark.parametrize('stop', [6, 7, 11])
def test_a_validation_that_was_due_is_made_up_for(run, tmp_path, stop):
    folder = tmp_path / 'run'
    options = [
        *LOOP, 'train_cfg.val_interval=3', 'custom_hooks.0.by=SIGTERM',
        'default_hooks.logger.log_metric_by_epoch=False'
    ]
    with pytest.raises(SystemExit):
        run(folder, options, stop=stop, validate=True)
    run(folder, options, '--resume', validate=True)
    rows = [
        json.loads(line) for path in folder.glob('*/vis_data/scalars.json')
        for line in path.read_text().splitlines()
    ]
    validated = [row['step'] for row in rows if 'accuracy/top1' in row]
    assert sorted(validated) == [3, 6, 9, 11]


@pytest.fixture
def listening():
    hooks = []
    with saving_when_stopped(SimpleNamespace(register_hook=hooks.append)):
        yield hooks[0]


@pytest.mark.parametrize('name', ['SIGTERM', 'SIGINT', 'SIGUSR1'])
def test_signals(listening, name):
    number = getattr(signal, name)
    os.kill(os.getpid(), number)
    assert listening.signal == number
    if name == 'SIGINT':
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
            signal.sigtimedwait([], 1)
    else:
        os.kill(os.getpid(), number)


def test_workers_outlive_the_first_signal(listening):
    child = os.fork()
    if not child:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            os.write(1, b'')
            os.kill(os.getpid(), signal.SIGTERM)
            os.write(1, b'')
        finally:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGTERM
    assert listening.signal is None


def test_no_signals_in_other_threads():
    hooks = []

    def train():
        with saving_when_stopped(SimpleNamespace(register_hook=hooks.append)):
            hooks.append('trained')

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert hooks == ['trained']


def test_processes_stop_after_the_same_iteration(whole_of_two, tmp_path):
    """Only one gets the signal, amid an accumulation of three passes."""
    config, folder = 'stopped_processes.py', tmp_path / 'stopped'
    codes, _ = train_two(config, folder, 'custom_hooks.0.by=SIGTERM', stop=5)
    assert codes == [AGAIN, AGAIN]
    # 5 and the 4 that another process may be ahead
    assert [len(losses(folder, rank)) for rank in (0, 1)] == [9, 9]
    assert (folder / 'last_checkpoint').read_text().endswith('stopped.pth')
    assert_resumes(config, folder, whole_of_two(config))


SRUN = """#!/usr/bin/env bash
echo "$@" >> calls
exit "$(sed -n "$(wc -l < calls)p" codes)"
"""
SCONTROL = """#!/usr/bin/env bash
echo "$@" >> requests
echo "   Requeue=1 Restarts=0 BatchFlag={} Reboot=0"
"""


@pytest.fixture
def slurm(tmp_path):
    """Run slurm_train.sh with stand-ins: the exit codes of srun one after the
    other and, in an allocation, the job's flag; what was called and said."""

    def run(codes, batch_flag=None):
        for name, script in [('srun', SRUN),
                             ('scontrol', SCONTROL.format(batch_flag))]:
            (tmp_path / name).write_text(script)
            (tmp_path / name).chmod(0o755)
        (tmp_path / 'codes').write_text('\n'.join(codes.split()) + '\n')
        (tmp_path / 'requests').touch()
        env = {
            k: v
            for k, v in os.environ.items() if not k.startswith('SLURM')
        }
        env['PATH'] = f'{tmp_path}:{env["PATH"]}'
        if batch_flag is not None:
            env['SLURM_JOB_ID'] = '7'
        ended = subprocess.run([
            'bash', TOOLS / 'slurm_train.sh', 'p', 'name', 'config.py', 'dir'
        ],
                               env=env,
                               cwd=tmp_path,
                               stderr=subprocess.PIPE,
                               text=True)
        return ended, *((tmp_path / name).read_text().splitlines()
                        for name in ('calls', 'requests'))

    return run


@pytest.mark.parametrize('codes, calls', [('75 75 0', 3), ('75 1', 2),
                                          ('0', 1)])
def test_slurm_starts_it_again(slurm, codes, calls):
    ended, lines, requests = slurm(codes)
    assert ended.returncode == int(codes.split()[-1])
    assert len(lines) == calls and not requests
    assert '--signal=USR1@120' in lines[0] and '--resume' not in lines[0]
    assert all(line.endswith('--resume') for line in lines[1:])


@pytest.mark.parametrize('flag', [1, 2])
def test_slurm_queues_a_batch_job_again(slurm, flag):
    ended, lines, requests = slurm('75', flag)
    assert ended.returncode == 0 and len(lines) == 1
    assert requests[-1] == 'requeue 7'


def test_slurm_cannot_queue_an_interactive_allocation_again(slurm):
    ended, lines, requests = slurm('75', 0)
    assert ended.returncode == 75 and len(lines) == 1
    assert requests == ['show job 7']
    assert 'repeat the command with --resume in a new one' in ended.stderr
