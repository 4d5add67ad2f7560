"""What whole checkpoints and derived randomness cost."""
from mmengine.fileio import get_file_backend
from test_tools.conftest import tool_runner
from test_tools.tiny_smmix import __file__ as CONFIG

from mmmix.checkpoint.saving import WholeFileBackend
from mmmix.engine.hooks import ExactResumeHook


def test_both_kinds_are_trained(tmp_path, monkeypatch, capsys):
    """With what is compared in one of them only."""
    derived, written = [], []
    monkeypatch.setattr(ExactResumeHook, 'before_train',
                        lambda self, runner: derived.append(runner.work_dir))
    put = WholeFileBackend.put
    monkeypatch.setattr(
        WholeFileBackend, 'put', lambda self, obj, path:
        (written.append(str(path)), put(self, obj, path)))
    tool_runner(monkeypatch,
                tmp_path)('reliability/measure_cost.py', '--config', CONFIG,
                          '--repeats', 2, '--epochs', 1)
    assert [path.rpartition('/')[2] for path in derived] == ['mmmix'] * 2
    checkpoints = [path for path in written if path.endswith('.pth')]
    assert len(checkpoints) == 2
    assert all('/mmmix/' in path for path in checkpoints)
    *_, plain, own = capsys.readouterr().out.splitlines()
    assert plain.startswith('| MMEngine | ') and plain.endswith('| 1 | |')
    assert own.startswith('| mmmix | ')
    assert type(get_file_backend(str(tmp_path))) is WholeFileBackend
