import json
import re

import mmengine
import numpy as np
import pytest
import torch
from mmpretrain.evaluation import Accuracy

from mmmix.cli import build_model, load_config
from mmmix.registry import METRICS

SMALL = ['--cfg-options', 'test_dataloader.dataset.num_images=10']


@pytest.fixture
def checkpoint(config, tmp_path):
    path = tmp_path / 'weights.pth'
    model = build_model(load_config(config))
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return path


def test_metrics_and_predictions(run_tool, config, checkpoint, tmp_path):
    run_tool('test.py', config, checkpoint, '--out', 'metrics.json',
             '--out-item', 'metrics', *SMALL)
    run_tool('test.py', config, checkpoint, '--out', 'pred.pkl', *SMALL)
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    predictions = mmengine.load(tmp_path / 'pred.pkl')
    right = [bool(p['pred_label'] == p['gt_label']) for p in predictions]
    assert len(right) == 10
    assert metrics['accuracy/top1'] == pytest.approx(10 * sum(right))


def test_no_guide_is_needed(run_tool, config, checkpoint, tmp_path):
    run_tool('test.py', config, checkpoint, '--out', 'metrics.json',
             '--out-item', 'metrics', *SMALL,
             'model.train_cfg.guide.type=mmmix.FrozenGuide',
             'model.train_cfg.guide.config=nowhere.py')
    assert (tmp_path / 'metrics.json').is_file()


AUTOMIX = """
_base_ = [{base!r}]
model = dict(
    head=dict(mix_losses=dict(_delete_=True)),
    train_cfg=dict(
        _delete_=True,
        augments=dict(type='mmmix.AutoMix'),
        guide=dict(type='mmmix.EMAGuide', feature_layer='layers.0')))
custom_hooks = [dict(type='mmmix.EMAGuideHook')] + {hooks}
"""


@pytest.mark.parametrize('hooks', [[], [dict(type='EMAHook', momentum=0.5)]])
def test_a_model_that_its_average_guided(run_tool, config, tmp_path, hooks):
    """It is as accurate as at the end of its training."""
    (tmp_path / 'automix.py').write_text(
        AUTOMIX.format(base=config, hooks=hooks))
    run_tool('train.py', 'automix.py', '--work-dir', 'run')
    run_tool('test.py', 'automix.py', 'run/epoch_1.pth', '--out',
             'metrics.json', '--out-item', 'metrics')
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    log, = tmp_path.glob('run/*/vis_data/scalars.json')
    trained = json.loads(log.read_text().splitlines()[-1])
    assert metrics['accuracy/top1'] == trained['accuracy/top1']


SAVING = """
_base_ = [{base!r}]
model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNet_CIFAR',
        depth=18,
        stem_channels=8,
        base_channels=8,
        with_cp=True),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        _delete_=True,
        type='mmmix.MixLinearClsHead',
        num_classes=10,
        in_channels=64),
    train_cfg=None)
"""
PUZZLEMIX = "dict(augments=dict(type='mmmix.PuzzleMix'), {})"
GUIDED = PUZZLEMIX.format("guide=dict(saliency=dict("
                          "type='mmmix.FrozenGuide', config='nowhere.py'))")
SWITCHED = f"""
custom_hooks = [
    dict(
        type='mmpretrain.SwitchRecipeHook',
        schedule=[
            dict(action_epoch=1, batch_augments={PUZZLEMIX.format('')})
        ])
]
"""


@pytest.mark.parametrize(
    'mixing', [
        f'model.update(train_cfg=dict({GUIDED}, _delete_=True))',
        f'data_preprocessor = dict(batch_augments={GUIDED})',
        SWITCHED,
    ],
    ids=['train_cfg', 'data_preprocessor', 'custom_hooks'])
def test_what_mixing_requires_is_not_asked_for(run_tool, config, tmp_path,
                                               mixing):
    """A network that saves memory gives no gradients by pixel."""
    path = tmp_path / 'saving.py'
    path.write_text(SAVING.format(base=config))
    torch.save(build_model(load_config(path)).state_dict(), 'weights.pth')
    path.write_text(SAVING.format(base=config) + mixing)
    run_tool('test.py', path, 'weights.pth', '--out', 'metrics.json',
             '--out-item', 'metrics', *SMALL)
    assert (tmp_path / 'metrics.json').is_file()


def test_quiet_prints_the_metrics_alone(run_tool, config, checkpoint, tmp_path,
                                        capsys):
    capsys.readouterr()
    run_tool('test.py', config, checkpoint, '--quiet', *SMALL)
    accuracy = json.loads(capsys.readouterr().out)['accuracy/top1']
    log, = tmp_path.glob('work_dirs/tiny_smmix/*/*.log')
    assert re.search(
        rf'tested 10 images in \d+ s, accuracy {accuracy:.1f} %, '
        r'[\d,]+ images/s', log.read_text())


@METRICS.register_module()
class AccuracyOfNumPy(Accuracy):
    default_prefix = 'numpy'

    def compute_metrics(self, results):
        metrics = super().compute_metrics(results)
        return {key: np.float32(value) for key, value in metrics.items()}


@pytest.mark.parametrize('suffix', ['json', 'yml', 'pkl'])
def test_metrics_that_are_arrays_and_tensors(run_tool, config, checkpoint,
                                             tmp_path, capsys, suffix,
                                             monkeypatch):
    """A tensor of MMPretrain, and NumPy's numbers, as mmseg's metrics have
    them."""
    path = tmp_path / 'measured.py'
    path.write_text(f"""
_base_ = [{config!r}]
test_evaluator = [
    dict(type='Accuracy'),
    dict(type='ConfusionMatrix', num_classes=10),
    dict(type='mmmix.AccuracyOfNumPy')
]
""")
    capsys.readouterr()
    name = f'metrics.{suffix}'
    monkeypatch.setenv('HOME', str(tmp_path))
    run_tool('test.py', path, checkpoint, '--quiet', f'--out=~/{name}',
             '--out-item', 'metrics', *SMALL)
    printed = json.loads(capsys.readouterr().out)
    assert mmengine.load(tmp_path / name) == printed
    matrix = printed['confusion_matrix/result']
    assert sum(map(sum, matrix)) == 10
    assert printed['numpy/top1'] == printed['accuracy/top1']


def test_flipping_of_data_sets_that_are_joined(run_tool, config, checkpoint,
                                               tmp_path):
    path = tmp_path / 'joined.py'
    path.write_text(f"""
_base_ = [{config!r}]
test_dataloader = dict(dataset=dict(
    _delete_=True,
    type='ConcatDataset',
    datasets=[
        dict(
            type='mmmix.SyntheticObjects',
            split='val',
            num_images=n,
            pipeline=[dict(type='PackInputs')]) for n in (4, 6)
    ]))
""")
    run_tool('test.py', path, checkpoint, '--tta', '--out', 'pred.pkl')
    assert len(mmengine.load(tmp_path / 'pred.pkl')) == 10


def test_missing_checkpoint(run_tool, config):
    with pytest.raises(SystemExit, match='no checkpoint gone.pth'):
        run_tool('test.py', config, 'gone.pth')


@pytest.mark.parametrize('option, problem', [
    ('model.backbone.arch.num_layers=3',
     r'missing in the checkpoint:\s+backbone.layers.2.ln1'),
    ('model.backbone.arch.num_layers=1',
     r'not in the model:\s+backbone.layers.1.ln1'),
    ('model.backbone.arch.feedforward_channels=64',
     r'of another size:\s+backbone.layers.0.ffn'),
])
def test_checkpoint_of_another_model(run_tool, config, checkpoint, option,
                                     problem):
    with pytest.raises(SystemExit) as error:
        run_tool('test.py', config, checkpoint, *SMALL, option)
    message = str(error.value)
    assert str(checkpoint) in message
    assert re.search(problem, message)
    assert len(message) < 3000


def test_predictions_are_pickled(run_tool, config, checkpoint, capsys):
    with pytest.raises(SystemExit):
        run_tool('test.py', config, checkpoint, '--out', 'pred.json')
    assert '--out-item metrics' in capsys.readouterr().err


def test_a_file_of_unknown_kind_is_refused_first(run_tool, config, capsys):
    with pytest.raises(SystemExit):
        run_tool('test.py', config, 'gone.pth', '--out', 'metrics.txt',
                 '--out-item', 'metrics')
    assert '--out metrics.txt: the end of the name must be one of .json' in \
        capsys.readouterr().err
