import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmmix.registry import DATASETS, TRANSFORMS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / 'configs' / '_base_' / 'datasets'


def load(name):
    return Config.fromfile(FOLDER / f'{name}.py')


@pytest.mark.parametrize('name', sorted(p.stem for p in FOLDER.glob('*.py')))
def test_config_is_complete(name):
    cfg = load(name)
    assert cfg.data_preprocessor.num_classes in (10, 25, 100, 200, 1000)
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        assert DATASETS.get(loader.dataset.type) is not None
        assert loader.dataset.get('test_mode', False) == (split != 'train')
        assert loader.sampler.shuffle == (split == 'train')
        pipeline = [
            TRANSFORMS.build(step) for step in loader.dataset.pipeline
            if 'files' not in step  # gaze, which is read when it is built
        ]
        assert type(pipeline[-1]).__name__ == 'PackInputs'
    assert cfg.test_dataloader == cfg.val_dataloader
    # no test loop has a metric for masks: the analyses read them
    masks = name.startswith('voc') or name.endswith('_masks')
    assert ('test_evaluator' in cfg) != masks
    assert cfg.get('test_evaluator') == cfg.get('val_evaluator')


@pytest.mark.parametrize('name, size', [
    ('cifar10_bs32', 32),
    ('cifar100_openmixup', 32),
    ('tiny_imagenet_openmixup', 64),
    ('cub200', 224),
    ('imagenet1k', 224),
])
def test_images_as_cnns_get_them(name, size):
    cfg = load(name)
    shape = (300, 400, 3) if size == 224 else (size, size, 3)
    for split in ('train', 'val'):
        sample = dict(img=np.full(shape, 7, np.uint8), gt_label=1)
        for step in cfg[f'{split}_dataloader'].dataset.pipeline:
            if step.type != 'mmmix.LoadImage':
                sample = TRANSFORMS.build(step)(sample)
        assert sample['inputs'].shape == (3, size, size)
        if (name, split) != ('cifar10_bs32', 'train'):
            assert (sample['inputs'] == 7).all(), 'the crop has black borders'


def test_erasing_is_all_that_differs():
    plain, erasing = load('imagenet1k_deit'), load('imagenet1k_deit_erasing')
    steps = erasing.train_dataloader.dataset.pipeline
    assert [step.type for step in steps].count('RandomErasing') == 1
    steps[:] = [step for step in steps if step.type != 'RandomErasing']
    assert plain.train_dataloader == erasing.train_dataloader
    assert plain.val_dataloader == erasing.val_dataloader


@pytest.mark.parametrize(
    'name', sorted({p.stem
                    for p in FOLDER.glob('*.py')} - {'synthetic'}))
def test_missing_data_is_an_error_that_names_the_place(tmp_path, name):
    dataset = load(name).test_dataloader.dataset
    dataset.data_root = str(tmp_path / 'nowhere')
    dataset.pipeline = []
    # MMPretrain offers to download CIFAR
    kind = RuntimeError if 'CIFAR' in dataset.type else FileNotFoundError
    with pytest.raises(kind, match='nowhere'):
        DATASETS.build(dataset)


def test_no_images_are_an_error(tmp_path):
    (tmp_path / 'list.txt').touch()
    (tmp_path / 'train').mkdir()
    options = dict(type='CustomDataset', data_root=str(tmp_path))
    with pytest.raises(ValueError, match="list.txt' is empty"):
        DATASETS.build(dict(options, ann_file='list.txt'))
    with pytest.raises(ValueError, match='Found 0 files'):
        DATASETS.build(dict(options, data_prefix='train'))


def layouts():
    """The layout of each type on the page of data sets."""
    page = (ROOT / 'docs/datasets.md').read_text()
    return {
        part.split('\n')[0]: re.findall(r'```\n(.*?)\n```', part, re.S)
        for part in page.split('\n## ')[1:]
    }


def test_the_page_has_the_layout_of_each_data_set():
    text = '\n'.join(p.read_text() for p in ROOT.glob('configs/**/*.py'))
    named = set(
        re.findall(
            r"'(?:mmmix\.)?(\w+Dataset|WnidImages|TinyImageNet|COCOObjects|"
            r"VOCSegmentation|\w*ImageNet\w*|LoadGaze)'", text))
    named -= {'ConcatDataset'}
    # whose names stand in the configs that ours inherit from
    named |= {
        'ADE20KDataset', 'CIFAR10', 'CIFAR100', 'CUB', 'ImageNet',
        'PascalContextDataset'
    }
    assert named >= {'CocoDataset', 'CustomDataset', 'ImageNetA', 'LoadGaze'}
    found = layouts()
    assert named <= set(found)
    assert all(len(found[name]) == 1 for name in named)


@pytest.mark.parametrize('name', ['cifar10', 'cifar100'])
def test_nothing_is_downloaded_unasked(name):
    cfg = load(name)
    for split in ('train', 'val', 'test'):
        assert cfg[f'{split}_dataloader'].dataset.download is False


def test_synthetic_batches():
    cfg = load('synthetic')
    with DefaultScope.overwrite_default_scope('mmmix'):
        for split, num_images in (('train', 64), ('val', 100)):
            loader_cfg = cfg[f'{split}_dataloader']
            loader_cfg.dataset.num_images = num_images
            loader = Runner.build_dataloader(loader_cfg, seed=0)
            batch = next(iter(loader))
            inputs = torch.stack(batch['inputs'])
            assert inputs.shape == (num_images, 3, 32, 32)
            assert inputs.dtype == torch.uint8
            labels = torch.cat([s.gt_label for s in batch['data_samples']])
            assert len(labels) == num_images
    for sample in batch['data_samples']:
        label = int(sample.gt_label)
        mask = torch.as_tensor(sample.gt_seg_map) == label + 1
        x1, y1, x2, y2 = map(int, sample.gt_bboxes[0])
        assert mask[y1:y2, x1:x2].sum() == mask.sum() > 0
