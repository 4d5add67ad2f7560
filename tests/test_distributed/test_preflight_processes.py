"""The preflight with two processes: one checks, both end or both train."""
from pathlib import Path

from launching import TOOLS, run_forked, train

CONFIG = Path(__file__).with_name('recorded.py')


def test_both_processes_end_on_one_report(tmp_path):
    codes, logs = run_forked(TOOLS / 'train.py', CONFIG, '--launcher',
                             'pytorch', '--work-dir', tmp_path / 'run',
                             '--cfg-options', 'model.head.in_channels=3')
    assert codes == [1, 1]
    errors = ''.join(logs)
    assert errors.count('Preflight of') == 1
    assert 'in_channels=3' in errors
    assert not (tmp_path / 'run').exists()


def test_both_processes_train_after_it(tmp_path):
    output = train(CONFIG, tmp_path, '--no-validate', '--cfg-options',
                   'train_cfg.max_epochs=1')
    assert output.count('Preflight: passed') == 1
    assert '2 processes (1 epochs of 2)' in output
    assert (tmp_path / 'epoch_1.pth').is_file()
