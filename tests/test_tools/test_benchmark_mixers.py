import json

import pytest
import torch

BENCHMARK = 'benchmarks/benchmark_mixers.py'
SMALL = [
    '--batch-size', 4, '--step-batch-size', 2, '--image-size', 128,
    '--repeats', 1, '--device', 'cpu'
]


@pytest.mark.filterwarnings('ignore:FrozenGuide has no checkpoint')
def test_table_and_json(run_tool, config, tmp_path, capsys):
    run_tool(BENCHMARK, '--config', config, *SMALL, '--out', 'times.json')
    times = json.loads((tmp_path / 'times.json').read_text())
    table = capsys.readouterr().out
    mixers = {
        'SMMix', 'CutMix', 'Mixup', 'ResizeMix', 'MaskMix', 'AttentiveCutMix',
        'FMix', 'SmoothMix', 'GridMixup', 'SaliencyMix',
        'SaliencyMix, map of the image'
    }
    methods = {'TransMix', 'SMMix, guide at half size', 'TdAttenMix'}
    assert mixers | {'clone'} <= set(times['mixing'])
    assert mixers | methods <= set(times['steps'])
    assert times['mixing']['clone']['peak_times_batch'] == pytest.approx(1)
    # a new batch, and nothing beside it
    assert times['mixing']['Mixup']['peak_times_batch'] == pytest.approx(
        1, abs=.1)
    for name, row in times['mixing'].items():
        assert row['ms'] > 0
        assert f'| {name} | {row["times_clone"]:.2f} |' in table
    assert times['environment']['torch'] == torch.__version__
    assert times['settings']['image_size'] == [128, 128]


def test_one_mixer_is_still_compared_with_cutmix(run_tool, config, tmp_path):
    run_tool(BENCHMARK, '--config', config, *SMALL, '--mixers', 'Mixup',
             '--methods', 'TransMix', '--out', 'times.json')
    times = json.loads((tmp_path / 'times.json').read_text())
    assert set(times['mixing']) == {'clone', 'Mixup'}
    assert set(times['steps']) == {'CutMix', 'Mixup', 'TransMix'}


def test_unknown_mixer(run_tool, config):
    with pytest.raises(SystemExit, match="no mixer 'Nix'"):
        run_tool(BENCHMARK, '--config', config, *SMALL, '--mixers', 'Nix')
