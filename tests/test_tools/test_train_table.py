import json
import os
import re
import shutil
import signal
import threading
import time

import matplotlib.pyplot as plt
import pytest

TOOL = 'train_table.py'


@pytest.fixture
def table(tmp_path, config):
    """Write a table: options by row."""

    def write(name, seeds, **rows):
        path = tmp_path / f'{name}.py'
        runs = {
            row: dict(config=config, options=options)
            for row, options in rows.items()
        }
        path.write_text(f'seeds = {seeds}\nruns = {runs}')
        return path

    return write


def test_a_run_is_trained_once(run_tool, tmp_path, table, capsys):
    slow = {'optim_wrapper.optimizer.lr': 1e-5}
    path = table('first', [0], SMMix={}, slow=slow)
    run_tool(TOOL, path, '--work-dir', 'runs', '--workers', 2)
    content = json.loads((tmp_path / 'runs/first.json').read_text())
    (row, mean, std, difference, _), (_, other, *_) = content['rows']
    assert (row, std, difference) == ('SMMix', None, 0)
    assert content['rows'][1][3] == other - mean
    assert (tmp_path / 'runs/first.png').is_file()

    # what is overridden is in the folder's name and in the config of the run
    folder = tmp_path / 'runs/tiny_smmix-lr=1e-05/seed0'
    assert 'lr=1e-05' in (folder / 'run.py').read_text()
    saved = (folder / 'epoch_1.pth').stat().st_mtime_ns

    # the row of another table, with one more seed
    again = table('again', [0, 1], slow=slow)
    capsys.readouterr()
    run_tool(TOOL, path, again, '--work-dir', 'runs')
    assert (folder / 'epoch_1.pth').stat().st_mtime_ns == saved
    output, said = capsys.readouterr()
    assert output.count(': finished') == 3
    assert re.search(r'^runs: slow, seed 1, epoch 1 of 1: loss .* 0 s left$',
                     said, re.MULTILINE)
    content = json.loads((tmp_path / 'runs/again.json').read_text())
    (_, mean, std, _, *seeds), = content['rows']
    assert mean == pytest.approx(sum(seeds) / 2)
    assert std == pytest.approx(abs(seeds[0] - seeds[1]) / 2**.5)
    assert seeds[0] == other


def test_a_grid_compares_what_stands_together(run_tool, tmp_path, config):
    runs = {
        f'{panel} {line}':
        dict(
            config=config,
            options={'optim_wrapper.optimizer.lr': rate},
            grid=(panel, 1, line))
        for panel, line, rate in [('high', 'one', .1), ('high', 'two',
                                                        .2), ('low', 'one',
                                                              .01)]
    }
    path = tmp_path / 'grid.py'
    path.write_text(f'seeds = [0]\nruns = {runs}')
    run_tool(TOOL, path, '--work-dir', 'runs', '--workers', 2)
    rows = json.loads((tmp_path / 'runs/grid.json').read_text())['rows']
    accuracy = {row: mean for row, mean, *_ in rows}
    assert {
        row: value
        for row, _, _, value, *_ in rows
    } == {
        'high one': 0,
        'high two': accuracy['high two'] - accuracy['high one'],
        'low one': 0
    }
    assert (tmp_path / 'runs/grid.png').is_file()


def test_a_table_of_many_rows_shows_their_seeds(run_tool, tmp_path, table):
    rates = range(1, 10)
    for rate in rates:
        folder = tmp_path / f'runs/tiny_smmix-lr={rate}/seed0'
        log = folder / '20261231_235959/vis_data/scalars.json'
        log.parent.mkdir(parents=True)
        log.write_text('{"loss": 1.0, "epoch": 1, "iter": 4, "step": 4}\n' +
                       json.dumps({
                           'accuracy/top1': 10. * rate,
                           'step': 1
                       }))
        (folder / 'epoch_1.pth').touch()
    path = table(
        'many', [0], **{
            f'rate {rate}': {
                'optim_wrapper.optimizer.lr': rate
            }
            for rate in rates
        })
    run_tool(TOOL, path, '--work-dir', 'runs')
    rows = json.loads((tmp_path / 'runs/many.json').read_text())['rows']
    assert [row[1] for row in rows] == [10. * rate for rate in rates]
    height, width, _ = plt.imread(tmp_path / 'runs/many.png').shape
    assert height > .5 * width  # a line for each row, not two panels of curves


def test_a_signal_stops_the_training(run_tool, tmp_path, table, capsys):
    """It is saved where it is, and no other begins."""
    path = table(
        'table', [0],
        long={'train_cfg.max_epochs': 9999},
        other={'optim_wrapper.optimizer.lr': 1e-5})
    folder = 'runs/tiny_smmix-max_epochs=9999/seed0'
    log = tmp_path / folder / 'log.txt'

    def ask():
        while not (log.exists() and 'epoch 1 of' in log.read_text()):
            time.sleep(.1)
        os.kill(os.getpid(), signal.SIGTERM)

    handler = signal.getsignal(signal.SIGTERM)
    threading.Thread(target=ask, daemon=True).start()
    with pytest.raises(SystemExit) as stopped:
        run_tool(TOOL, path, '--work-dir', 'runs')
    assert stopped.value.code == 75  # as that of a training
    assert signal.getsignal(signal.SIGTERM) == handler
    said = f'{folder}: stopped, the same command goes on'
    assert said in capsys.readouterr().out
    saved, = re.findall('is saved to (.*)[.] --resume', log.read_text())
    assert (tmp_path / saved).is_file()
    assert not (tmp_path / 'runs/tiny_smmix-lr=1e-05').exists()


def test_rows_that_would_share_a_folder(run_tool, tmp_path, table, config):
    path = table(
        'table', [0],
        one={'optim_wrapper.optimizer.lr': 1e-4},
        other={'param_scheduler.lr': 1e-4})
    with pytest.raises(SystemExit) as error:
        run_tool(TOOL, path, '--work-dir', 'runs')
    assert re.search(
        r"rows 'one' and 'other' .* runs/tiny_smmix-lr=0.0001/seed0, .*"
        r'optim_wrapper.optimizer.lr \(0.0001 and 0.001\)', str(error.value))

    twin = tmp_path / 'sub/tiny_smmix.py'
    twin.parent.mkdir()
    twin.write_text(f'_base_ = {config!r}\ntrain_cfg = dict(max_epochs=2)')
    path.write_text('seeds = [0]\nruns = dict(one=dict(config='
                    f'{config!r}), other=dict(config={str(twin)!r}))')
    with pytest.raises(SystemExit, match=r'max_epochs \(1 and 2\)'):
        run_tool(TOOL, path, '--work-dir', 'runs')

    twin = tmp_path / 'sub/table.py'
    twin.write_text(path.read_text())
    with pytest.raises(SystemExit, match='each with its own --work-dir'):
        run_tool(TOOL, path, twin, '--work-dir', 'runs')
    assert not (tmp_path / 'runs').exists()


def test_a_config_that_changed_is_not_reported(run_tool, tmp_path, table,
                                               config):
    base = tmp_path / 'base.py'
    base.write_text(f'_base_ = {config!r}')
    path = tmp_path / 'table.py'
    path.write_text(
        f'seeds = [0]\nruns = dict(row=dict(config={str(base)!r}))')
    run_tool(TOOL, path, '--work-dir', 'runs')
    report = tmp_path / 'runs/table.json'
    first = json.loads(report.read_text())['rows']

    # the same folder from elsewhere, with what the training has added
    (tmp_path / 'runs/table.json').unlink()
    run_tool(TOOL, path, '--work-dir', tmp_path / 'runs')
    assert json.loads(report.read_text())['rows'] == first

    base.write_text(f'_base_ = {config!r}\n'
                    'optim_wrapper = dict(optimizer=dict(lr=0.1))')
    with pytest.raises(SystemExit) as error:
        run_tool(TOOL, path, '--work-dir', 'runs')
    assert re.search(
        r"base/seed0 .* row 'row' .* differ in optim_wrapper.optimizer.lr "
        r'\(0.001 and 0.1\)\. Delete the folder', str(error.value))
    shutil.rmtree(tmp_path / 'runs/base/seed0')
    run_tool(TOOL, path, '--work-dir', 'runs')
    assert 'lr=0.1' in (tmp_path / 'runs/base/seed0/run.py').read_text()


def test_a_run_that_was_killed_before_its_validation(run_tool, tmp_path,
                                                     table):
    path = table('table', [0], row={'train_cfg.max_epochs': 2})
    run_tool(TOOL, path, '--work-dir', 'runs')
    report = tmp_path / 'runs/table.json'
    first = json.loads(report.read_text())
    log, = tmp_path.glob('runs/*/seed0/*/vis_data/scalars.json')
    *trained, last = log.read_text().splitlines(keepends=True)
    assert json.loads(last)['accuracy/top1'] == first['rows'][0][1]
    log.write_text(''.join(trained))
    report.unlink()
    run_tool(TOOL, path, '--work-dir', 'runs')
    assert json.loads(report.read_text()) == first


def test_a_run_that_fails_is_named(run_tool, tmp_path, table, capsys):
    path = table('table', [0], wrong={'model.head.in_channels': 3})
    with pytest.raises(SystemExit, match='1 of 1 runs failed'):
        run_tool(TOOL, path, '--work-dir', 'runs')
    assert 'in_channels=3/seed0: FAILED, see log.txt' in \
        capsys.readouterr().out
    assert not (tmp_path / 'runs/table.json').exists()


def test_bad_tables(run_tool, tmp_path, config):
    with pytest.raises(SystemExit, match='runs, seeds'):
        run_tool(TOOL, config)
    with pytest.raises(SystemExit, match='none.py'):
        run_tool(TOOL, tmp_path / 'none.py')
