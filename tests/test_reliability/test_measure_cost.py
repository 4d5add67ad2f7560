"""What whole checkpoints and derived randomness cost."""
import re

import pytest
from test_tools.conftest import tool_runner
from test_tools.tiny_smmix import __file__ as CONFIG
from torch.multiprocessing import ProcessRaisedException

from mmmix.checkpoint.saving import WholeFileBackend
from mmmix.engine.hooks import ExactResumeHook


def test_both_kinds_are_trained(tmp_path, monkeypatch, capsys):
    """With what is compared in one of them only."""
    derived, written = tmp_path / 'derived', tmp_path / 'written'

    def note(path, line):  # the trainings are processes of their own
        with path.open('a') as file:
            file.write(f'{line}\n')

    monkeypatch.setattr(ExactResumeHook, 'before_train',
                        lambda self, runner: note(derived, runner.work_dir))
    put = WholeFileBackend.put
    monkeypatch.setattr(
        WholeFileBackend, 'put', lambda self, obj, path:
        (note(written, path), put(self, obj, path)))
    tool_runner(monkeypatch, tmp_path)('reliability/measure_cost.py',
                                       '--config', CONFIG, '--epochs', 2)
    folder, = derived.read_text().splitlines()
    assert folder.endswith('/mmmix')
    checkpoints = [
        path for path in written.read_text().splitlines()
        if path.endswith('.pth')
    ]
    assert len(checkpoints) == 2
    assert all(path.startswith(folder) for path in checkpoints)
    *_, plain, own = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r'\| MMEngine \| [\d.]+ \| 1 \| 1 \|', plain)
    interval = r'[\d.]+ \([\d.]+ to [\d.]+\)'
    assert re.fullmatch(rf'\| mmmix \| [\d.]+ \| {interval} \| {interval} \|',
                        own)


def test_a_training_that_fails(tmp_path, monkeypatch):

    def fail(self, runner):
        raise RuntimeError('no power')

    monkeypatch.setattr(ExactResumeHook, 'before_train', fail)
    with pytest.raises(ProcessRaisedException, match='no power'):
        tool_runner(monkeypatch, tmp_path)('reliability/measure_cost.py',
                                           '--config', CONFIG, '--epochs', 1)
