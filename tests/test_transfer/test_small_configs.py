"""The small downstream configs: what they say, and one step of each."""
import runpy
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from tiny_dense_data import make_ade20k, make_coco

pytestmark = pytest.mark.downstream
ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / 'configs/downstream/small').glob('*.py'))
PRETRAINING = {
    'vit-xs_synthetic': 'smmix/vit-xs_smmix_1xb64-10e_synthetic.py',
    'vit-xs_coco-tiny': 'smmix/vit-xs_smmix_1xb128-15e_tiny-imagenet-25.py',
    'vit-xs_ade20k-sample':
    'smmix/vit-xs_smmix_1xb128-15e_tiny-imagenet-25.py',
    'pvt-xs_coco-tiny': 'smmix/pvt-xs_smmix_1xb128-15e_tiny-imagenet-25.py',
}
every_config = pytest.mark.parametrize(
    'path', CONFIGS, ids=lambda path: path.stem)


@pytest.fixture(autouse=True)
def toolboxes():
    pytest.importorskip('mmseg')
    pytest.importorskip('mmdet')


def pretraining_of(path):
    _, backbone, *_, data = path.stem.split('_')
    return Config.fromfile(ROOT / 'configs' /
                           PRETRAINING[f'{backbone}_{data}'])


def synthetic(decoder):
    path, = ROOT.glob(
        f'configs/downstream/small/{decoder}_vit-xs_*_synthetic.py')
    return path


def tiny(path, tmp_path):
    """A config on a few small pictures, which are made here."""
    from mmmix.cli import load_config
    cfg = load_config(path)
    data = path.stem.split('_')[-1]
    train = cfg.train_dataloader.dataset
    if data == 'synthetic':
        train.num_images = 4
    elif data == 'ade20k-sample':
        train.data_root = str(make_ade20k(tmp_path))
    else:
        classes = detection_classes()
        make_coco(tmp_path, [(i + 1, name) for i, name in enumerate(classes)],
                  ['train2017'])
        train.data_root = str(tmp_path)
        if cfg.default_scope == 'mmseg':
            tool = ROOT / 'tools/dataset_converters/coco_semantic.py'
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(
                    sys, 'argv',
                    [tool.name,
                     str(tmp_path), '--splits', 'train2017'])
                runpy.run_path(str(tool), run_name='__main__')
    cfg.train_dataloader.batch_size = 2
    cfg.model.backbone.init_cfg = None
    cfg.work_dir = str(tmp_path / 'work')
    cfg.experiment_name = f'{path.stem}_{tmp_path.name}'
    return cfg


def detection_classes():
    from mmdet.datasets import CocoDataset
    return CocoDataset.METAINFO['classes']


@every_config
def test_backbone_and_normalisation_are_those_of_pretraining(path):
    cfg, pretraining = Config.fromfile(path), pretraining_of(path)
    ours, theirs = cfg.model.backbone, pretraining.model.backbone
    for key in ('arch', 'img_size', 'patch_size'):
        assert ours.get(key) == theirs.get(key)
    assert ours.type.split('.')[-1] == theirs.type.split('.')[-1]
    assert ours.out_type == 'featmap' and len(ours.out_indices) == 4
    ours, theirs = cfg.model.data_preprocessor, pretraining.data_preprocessor
    assert (ours.mean, ours.std) == (theirs.mean, theirs.std)
    assert ours.get('bgr_to_rgb', False) == theirs.to_rgb


@every_config
def test_name_says_batch_and_epochs(path):
    cfg = Config.fromfile(path)
    schedule = path.stem.split('_')[-2]
    assert schedule == (f'1xb{cfg.train_dataloader.batch_size}-'
                        f'{cfg.train_cfg.max_epochs}e')


@every_config
def test_default_checkpoint_is_the_last_of_pretraining(path):
    init = Config.fromfile(path).model.backbone.init_cfg
    assert (init.type, init._scope_, init.prefix) == ('Pretrained', 'mmmix',
                                                      'backbone.')
    folder, name = init.checkpoint.split('/')[1:]
    pretraining = pretraining_of(path)
    assert folder == Path(pretraining.filename).stem
    assert name == f'epoch_{pretraining.train_cfg.max_epochs}.pth'


@every_config
def test_one_step(path, tmp_path):
    cfg = tiny(path, tmp_path)
    runner = Runner.from_cfg(cfg)
    loader = runner.build_dataloader(cfg.train_dataloader)
    model = runner.model
    model.init_weights()
    optim_wrapper = runner.build_optim_wrapper(cfg.optim_wrapper)
    before = {n: p.clone() for n, p in model.backbone.named_parameters()}
    model.train()
    losses = model.train_step(next(iter(loader)), optim_wrapper)
    assert torch.isfinite(losses['loss'])
    moved = {
        n
        for n, p in model.backbone.named_parameters()
        if not torch.equal(p, before[n])
    }
    # a dense head does not read the class token of the last layer
    assert len(moved) > 0.9 * len(before)


@pytest.mark.parametrize('decoder', ['upernet', 'mask-rcnn'])
def test_checkpoint_is_taken(decoder, tmp_path):
    from mmmix.registry import MODELS
    path = synthetic(decoder)
    with DefaultScope.overwrite_default_scope('mmmix'):
        classifier = MODELS.build(pretraining_of(path).model)
    checkpoint = tmp_path / 'epoch_10.pth'
    torch.save(dict(state_dict=classifier.state_dict()), checkpoint)
    cfg = tiny(path, tmp_path)
    cfg.model.backbone.init_cfg = dict(
        type='Pretrained',
        _scope_='mmmix',
        checkpoint=str(checkpoint),
        prefix='backbone.')
    model = Runner.from_cfg(cfg).model
    model.init_weights()
    theirs = classifier.backbone.state_dict()
    for name, weight in model.backbone.state_dict().items():
        assert torch.equal(weight, theirs[name]), name


@pytest.mark.parametrize('decoder, key, kind, message', [
    ('upernet', 'model.decode_head.num_classes', ValueError,
     'decode_head has num_classes=7, but the SyntheticSegmentation has 11'),
    ('mask-rcnn', 'model.roi_head.mask_head.num_classes', AssertionError,
     r'`num_classes` \(7\) in FCNMaskHead'),
])
def test_wrong_number_of_classes(decoder, key, kind, message, tmp_path):
    path = synthetic(decoder)
    cfg = tiny(path, tmp_path)
    cfg.val_dataloader.dataset.num_images = 4
    cfg.merge_from_dict({key: 7})
    runner = Runner.from_cfg(cfg)
    with pytest.raises(kind, match=message):
        runner.train()
