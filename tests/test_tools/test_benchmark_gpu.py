import json

import pytest
import torch

from mmmix.analysis.training_cost import Training

TOOL = 'benchmarks/benchmark_gpu.py'
SMALL = [
    '--batch-size', 3, '--image-size', 32, '--steps', 2, '--device', 'cpu'
]


def test_table_and_json(run_tool, config, tmp_path, capsys):
    run_tool(TOOL, '--config', config, *SMALL, '--methods', 'SMMix', 'MaskMix',
             'TransMix', '--out', 'speed')
    report = json.loads((tmp_path / 'speed.json').read_text())
    rows = report['measured_speed']
    assert [*rows] == ['no mixing', 'SMMix', 'TransMix']
    first = rows['no mixing']
    for (name, row), cells in zip(rows.items(), report['rows']):
        assert row['steps'] == 2 and row['peak_bytes'] > 0
        assert row['images_per_second'] == pytest.approx(
            3e3 / row['ms'], rel=0.5)
        assert cells[0] == name
        assert cells[4] == pytest.approx(row['ms'] / first['ms'])
    table = capsys.readouterr().out
    assert 'bfloat16, channels last' in table
    # cells of 64 pixels
    assert 'MaskMix does not suit this network.' in table


def test_what_is_not_reached_is_named(run_tool, config, capsys):
    run_tool(TOOL, '--config', config, *SMALL, '--methods', 'CutMix',
             'TransMix', '--minutes', 1e-4)
    table = capsys.readouterr().out
    assert '| no mixing |' in table
    assert 'Left out for lack of time (steps): CutMix, TransMix.' in table


def test_where_cuda_graphs_do_not_apply_the_table_says_so(
        run_tool, config, capsys, monkeypatch):

    def fail(training):
        training.step = lambda: torch.tensor(1.).view(2)

    monkeypatch.setattr(Training, 'use_cuda_graphs', fail)
    run_tool(TOOL, '--config', config, *SMALL, '--methods', '--cuda-graphs')
    assert ('no mixing has no CUDA graphs. RuntimeError: shape'
            in capsys.readouterr().out)


def test_one_that_fails_does_not_end_the_others(run_tool, config, capsys,
                                                monkeypatch):
    step = Training.step

    def fail_with_mixing(training):
        if training.model.data_preprocessor.batch_augments is not None:
            raise RuntimeError('no kernel image')
        step(training)

    monkeypatch.setattr(Training, 'step', fail_with_mixing)
    with pytest.raises(SystemExit) as stop:
        run_tool(TOOL, '--config', config, *SMALL, '--methods', 'CutMix')
    assert stop.value.code == 1
    table = capsys.readouterr().out
    assert '| no mixing |' in table
    assert 'CutMix (steps) failed. RuntimeError: no kernel image' in table


def test_bad_input(run_tool, config):
    with pytest.raises(SystemExit, match="no mixer 'Nix'"):
        run_tool(TOOL, '--config', config, *SMALL, '--methods', 'Nix')
    with pytest.raises(SystemExit, match='float16 needs a GPU'):
        run_tool(TOOL, *SMALL, '--precision', 'float16')
    with pytest.raises(SystemExit, match='must be positive'):
        run_tool(TOOL, *SMALL, '--minutes', 0)
