"""Pictures of predictions, and what the tools say to a toolbox's configs."""
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement, InstanceData

from mmmix.cli import build_model, load_config
from mmmix.datasets import SyntheticSegmentation
from mmmix.visualization.predictions import _annotation

HERE = Path(__file__).parent
TOOL = 'visualization/show_predictions.py'

pytestmark = pytest.mark.downstream


@pytest.fixture
def checkpoint(tmp_path):
    """Random weights of a config that wants a pretrained file elsewhere."""

    def save(config):
        path = tmp_path / 'weights.pth'
        torch.save(
            dict(state_dict=build_model(load_config(config)).state_dict()),
            path)
        return path

    return save


GONE = [
    'model.backbone.init_cfg.type=Pretrained',
    'model.backbone.init_cfg.checkpoint=gone.pth'
]


def run(run_tool, config, weights, *arguments):
    run_tool(TOOL, config, weights, '--num-images', '2', '--out-dir', 'out',
             *arguments, '--cfg-options', *GONE)
    return sorted(Path('out').iterdir())


@pytest.mark.parametrize('name, instances', [
    ('tiny_segmentation.py', False),
    ('tiny_detection.py', True),
])
def test_pictures(run_tool, checkpoint, capsys, name, instances):
    config = str(HERE / name)
    first, second = run(run_tool, config, checkpoint(config), '--score', '0')
    picture, other = (
        matplotlib.image.imread(path)[..., :3] for path in (first, second))
    assert not np.array_equal(picture, other)
    # image, annotation and prediction beside each other, and all differ
    width = picture.shape[1] // 3
    panels = [picture[40:, i * width:(i + 1) * width] for i in range(3)]
    for i in range(3):
        assert np.abs(panels[i] - panels[i - 1]).mean() > .01
    printed = capsys.readouterr().out
    assert '2 pictures are in out' in printed
    assert 'lack the annotation' not in printed
    assert ('instances have a score of at least 0' in printed) == instances


BOXES = """
_base_ = {config!r}
steps = dict(
    boxes=dict(type='LoadAnnotations', with_bbox=True),
    resize=dict(type='Resize', scale=(128, 128), keep_ratio=True),
    flip=dict(type='RandomFlip', prob=1.),
    pack=_base_.pipeline[-1])
test_dataloader = dict(dataset=dict(
    pipeline=[steps[name] for name in {order!r}] + [steps['pack']]))
del steps
"""


@pytest.mark.parametrize('order, fit', [
    (['resize', 'boxes'], True),
    (['flip', 'boxes'], True),
    (['boxes', 'resize'], False),
    (['boxes', 'flip'], False),
    (['boxes'], True),
])
def test_only_boxes_that_fit_the_image(run_tool, checkpoint, tmp_path, capsys,
                                       order, fit):
    """Test pipelines of mmdet load them after they resize the input."""
    base = str(HERE / 'tiny_detection.py')
    config = tmp_path / 'boxes.py'
    config.write_text(BOXES.format(config=base, order=order))
    run(run_tool, config, checkpoint(base))
    lacking = '2 pictures lack the annotation' in capsys.readouterr().out
    assert lacking == (not fit)


def test_boxes_of_an_image_whose_objects_are_not_known():
    sample = BaseDataElement(metainfo=dict(img_shape=(40, 60)))
    sample.gt_instances = InstanceData(bboxes=torch.rand(1, 4))
    assert _annotation(sample, (40, 60)) is sample.gt_instances
    assert _annotation(sample, (20, 30)) is None
    sample.set_metainfo(dict(flip=True))
    assert _annotation(sample, (40, 60)) is None


def test_a_checkpoint_of_another_model(run_tool, checkpoint):
    weights = checkpoint(str(HERE / 'tiny_segmentation.py'))
    with pytest.raises(SystemExit, match='does not hold the weights'):
        run(run_tool, str(HERE / 'tiny_detection.py'), weights)


@pytest.mark.parametrize('arguments, problem', [
    (['tiny_smmix.py'], 'default_scope must be mmseg or mmdet'),
    (['tiny_segmentation.py', '--score', '2'], r'--score must be in \[0, 1\]'),
    (['tiny_segmentation.py'], 'no checkpoint gone.pth'),
])
def test_wrong_input(run_tool, arguments, problem):
    config, *others = arguments
    with pytest.raises(SystemExit, match=problem):
        run_tool(TOOL, str(HERE / config), 'gone.pth', *others)


@pytest.mark.parametrize('name', ['tiny_segmentation', 'tiny_detection'])
@pytest.mark.parametrize('tool', ['train.py', 'test.py'])
def test_ops_are_wanted_before_data(run_tool, monkeypatch, tool, name):
    monkeypatch.setitem(sys.modules, 'mmcv._ext', None)
    with pytest.raises(SystemExit) as error:
        run_tool(tool, str(HERE / f'{name}.py'),
                 *['gone.pth'][:tool == 'test.py'])
    assert "mmcv's compiled ops" in str(error.value)
    assert 'bash tools/setup_env.sh full' in str(error.value)


SCALES = """
_base_ = {config!r}
tta_model = dict(type='SegTTAModel')
tta_pipeline = [
    dict(type='TestTimeAug', transforms=[
        [dict(type='Resize', scale_factor=scale, keep_ratio=True)
         for scale in (1., .5)],
        [dict(type='RandomFlip', prob=prob) for prob in (0., 1.)],
        [dict(type='PackSegInputs',
              meta_keys=('img_path', 'img_shape', 'ori_shape', 'flip',
                         'flip_direction'))]])
]
"""


def test_scales_and_flips_without_the_pretrained_file(run_tool, checkpoint,
                                                      tmp_path, monkeypatch):
    # mmseg's SegTTAModel wants a path, which these images have not
    draw = SyntheticSegmentation._draw
    monkeypatch.setattr(
        SyntheticSegmentation, '_draw',
        lambda self, index: dict(draw(self, index), img_path=f'{index}.png'))
    config = tmp_path / 'scales.py'
    config.write_text(SCALES.format(config=str(HERE / 'tiny_segmentation.py')))
    weights, metrics = checkpoint(str(config)), []
    for options in ([], ['--tta']):
        # the paths lead nowhere, which a preflight would find
        run_tool('test.py', config, weights, '--no-preflight', '--out',
                 'metrics.json', '--out-item', 'metrics', *options,
                 '--cfg-options', *GONE)
        metrics.append((tmp_path / 'metrics.json').read_text())
    assert 'mIoU' in metrics[0] and metrics[0] != metrics[1]


def test_tta_is_not_guessed(run_tool, checkpoint):
    config = str(HERE / 'tiny_segmentation.py')
    with pytest.raises(SystemExit, match='has no tta_model, tta_pipeline'):
        run_tool('test.py', config, checkpoint(config), '--tta')


def test_amp_refuses_detection_on_the_cpu(run_tool, monkeypatch):
    monkeypatch.setattr('mmengine.device.get_device', lambda: 'cpu')
    with pytest.raises(SystemExit, match='nms does not take bfloat16'):
        run_tool('train.py', str(HERE / 'tiny_detection.py'), '--amp')


@pytest.mark.parametrize('name', ['tiny_segmentation', 'tiny_detection'])
def test_missing_pretrained_weights(run_tool, name):
    """An error of the initialisation is told in a line."""
    with pytest.raises(SystemExit, match='There is no checkpoint gone.pth'):
        run_tool('train.py', str(HERE / f'{name}.py'), '--cfg-options',
                 'model.backbone.init_cfg.type=Pretrained',
                 'model.backbone.init_cfg._scope_=mmmix',
                 'model.backbone.init_cfg.prefix=backbone.',
                 'model.backbone.init_cfg.checkpoint=gone.pth')
