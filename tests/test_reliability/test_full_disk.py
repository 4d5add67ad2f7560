"""A small disk that is filled for real."""
import subprocess

import pytest
from test_tools.conftest import tool_runner
from test_tools.tiny_smmix import __file__ as CONFIG

from mmmix.checkpoint import check_checkpoint, read_checkpoint


def mount(folder, *options):
    done = subprocess.run([
        'mount', '-t', 'tmpfs', '-o', ','.join(options), 'tmpfs',
        str(folder)
    ],
                          capture_output=True)
    return done.returncode == 0


@pytest.fixture
def disk(tmp_path):
    """A disk of 240 KiB, which is enough for one checkpoint."""
    folder = tmp_path / 'disk'
    folder.mkdir()
    if not mount(folder, 'size=240k'):
        pytest.skip('this user cannot mount a disk')
    yield folder
    # the log of the run is still open
    subprocess.run(['umount', '--lazy', str(folder)], check=True)


def train(monkeypatch, tmp_path, work_dir, *arguments):
    tool_runner(monkeypatch,
                tmp_path)('train.py', CONFIG, '--work-dir', work_dir,
                          '--no-preflight', '--no-validate', *arguments,
                          '--cfg-options', 'train_cfg.max_epochs=3')


def test_a_run_goes_on_when_there_is_room(disk, tmp_path, monkeypatch):
    train(monkeypatch, tmp_path, tmp_path / 'whole')
    run = disk / 'run'
    with pytest.raises(SystemExit) as error:
        train(monkeypatch, tmp_path, run)
    message = str(error.value)
    assert f'{run}/epoch_2.pth could not be saved: it takes 1' in message
    assert 'KiB are left on its disk (No space left' in message
    assert [path.name for path in run.glob('*pth*')] == ['epoch_1.pth']
    assert (run / 'last_checkpoint').read_text() == f'{run}/epoch_1.pth'
    check_checkpoint(str(run / 'epoch_1.pth'), whole=True)
    assert mount(disk, 'remount', 'size=9m')
    train(monkeypatch, tmp_path, run, '--resume')
    one, other = (
        read_checkpoint(folder / 'epoch_3.pth')['state_dict']
        for folder in (run, tmp_path / 'whole'))
    assert one.keys() == other.keys()
    assert all(one[key].equal(other[key]) for key in one)


def test_another_file_than_a_checkpoint_does_not_fit(disk, tmp_path,
                                                     monkeypatch):
    with (disk / 'ballast').open('wb', buffering=0) as file:
        file.write(bytes(236 * 1024))
    with pytest.raises(
            SystemExit,
            match='could not be written: No space .*'
            'KiB left.*make room'):
        train(monkeypatch, tmp_path, disk / 'run')
