"""Small data sets and configs, in memory or in a folder, for the preflight."""
import json
from copy import deepcopy
from pathlib import Path

import numpy as np
from mmengine.config import Config
from PIL import Image

from mmmix.cli import load_config, set_loader_defaults
from mmmix.cli.preflight import check_run

HERE = Path(__file__).parent
LOAD = dict(type='mmmix.LoadImage')
RESIZE = dict(type='Resize', scale=(32, 32))
PACK = dict(type='PackInputs')


def noise(h=40, w=40, channels=3, seed=0):
    shape = (h, w, channels) if channels > 1 else (h, w)
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8))


def folders(root, classes=('cat', 'dog'), n=6, suffix='.jpg', size=(40, 40)):
    for name in classes:
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(n):
            noise(*size, seed=i).save(root / name / f'{i}{suffix}')
    return root


def tiny(changes=None):
    """A two-layer ViT on ten synthetic classes, mixed by SMMix."""
    cfg = load_config(str(HERE.parent / 'test_tools' / 'tiny_smmix.py'))
    cfg.merge_from_dict({
        'train_dataloader.dataset.num_images': 16,
        'val_dataloader.dataset.num_images': 8,
        'test_dataloader.dataset.num_images': 8,
        **(changes or {})
    })
    return cfg


def pets(root, changes=None, val=None, **dataset):
    """The same on folders of two classes, `train` below `root`, which is the
    validation set, too."""
    dataset = dict(
        dict(
            type='CustomDataset',
            data_root=str(root),
            data_prefix='train',
            pipeline=[LOAD, RESIZE, PACK]), **dataset)
    cfg = tiny()
    cfg.train_dataloader.dataset = dataset
    cfg.val_dataloader.dataset = dict(dataset, test_mode=True, **(val or {}))
    cfg.test_dataloader = deepcopy(cfg.val_dataloader)
    cfg.data_preprocessor.update(num_classes=2, to_rgb=True)
    cfg.model.head.num_classes = 2
    cfg.train_dataloader.batch_size = 4
    cfg.merge_from_dict(changes or {})
    return Config(cfg.to_dict(), filename=None)


def check(cfg, **arguments):
    set_loader_defaults(cfg)
    return check_run(cfg, **arguments)


def problems(cfg, **arguments):
    """What stops the run, a line each."""
    return [str(f) for f in check(cfg, **arguments).findings if f.fatal]


def warnings(cfg, **arguments):
    return [str(f) for f in check(cfg, **arguments).findings if not f.fatal]


def problem(cfg, **arguments):
    """The only thing that stops the run."""
    found = problems(cfg, **arguments)
    assert len(found) == 1, found
    return found[0]


def write_lines(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(lines) + '\n')
    return path


def write_json(path, content):
    path.write_text(json.dumps(content))
    return path


def scenes(root, labels=(0, 1), n=4, mask_size=(48, 64)):
    """Images and label maps: a rectangle of the second label on the first."""
    for name in ('images', 'annotations'):
        (root / name).mkdir(parents=True, exist_ok=True)
    mask = np.full(mask_size, labels[0], np.uint8)
    mask[10:30, 10:40] = labels[1]
    for i in range(n):
        noise(48, 64, seed=i).save(root / f'images/{i}.jpg')
        Image.fromarray(mask).save(root / f'annotations/{i}.png')
    return root


def boxes(root, n=4, **changes):
    """Images and their boxes in COCO's format; `changes` to the first box."""
    (root / 'img').mkdir(parents=True, exist_ok=True)
    images, objects = [], []
    for i in range(n):
        noise(48, 64, seed=i).save(root / f'img/{i}.jpg')
        images.append(dict(id=i, file_name=f'{i}.jpg', height=48, width=64))
        objects.append(
            dict(
                id=10 + i,
                image_id=i,
                category_id=1,
                iscrowd=0,
                area=400,
                bbox=[5, 8, 20, 20],
                segmentation=[[5, 8, 25, 8, 25, 28, 5, 28]]))
    content = dict(
        images=images,
        annotations=objects,
        categories=[dict(id=1, name='cat')])
    write_json(root / 'ann.json', content)
    return content


def turn(path, orientation=6):
    """Add an EXIF orientation to an image file."""
    photo = Image.open(path)
    exif = photo.getexif()
    exif[0x0112] = orientation
    photo.save(path, exif=exif)


def segmentation(root, classes=('bg', 'fg'), load=None, **dataset):
    """A one-layer ViT with two classes on scenes."""
    load = load or dict(type='LoadAnnotations')
    cfg = load_config(str(HERE.parent / 'test_tools/tiny_segmentation.py'))
    steps = [dict(type='LoadImageFromFile'), load]
    resize = dict(type='Resize', scale=(32, 32))
    dataset = dict(
        type='BaseSegDataset',
        data_root=str(root),
        data_prefix=dict(img_path='images', seg_map_path='annotations'),
        metainfo=dict(
            classes=classes,
            palette=[[9 * i] * 3 for i in range(len(classes))]),
        **dataset)
    cfg.train_dataloader.batch_size = 2
    cfg.train_dataloader.dataset = dict(
        dataset, pipeline=[*steps, resize,
                           dict(type='PackSegInputs')])
    cfg.val_dataloader.dataset = dict(
        dataset,
        test_mode=True,
        pipeline=[steps[0], resize, load,
                  dict(type='PackSegInputs')])
    cfg.test_dataloader = deepcopy(cfg.val_dataloader)
    cfg.model.decode_head.num_classes = len(classes)
    return Config(cfg.to_dict(), filename=None)


def detection(root, load=None, **dataset):
    """A narrow Mask R-CNN with one class on boxes."""
    cfg = load_config(str(HERE.parent / 'test_tools/tiny_detection.py'))
    steps = [
        load or dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
        dict(
            type='PackDetInputs',
            meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape',
                       'scale_factor'))
    ]
    resize = dict(type='Resize', scale=(64, 64), keep_ratio=True)
    dataset = dict(
        dict(
            type='CocoDataset',
            data_root=str(root),
            ann_file='ann.json',
            data_prefix=dict(img='img'),
            metainfo=dict(classes=('cat', ), palette=[(9, 9, 9)])), **dataset)
    cfg.train_dataloader.dataset = dict(dataset, pipeline=steps)
    cfg.val_dataloader.dataset = dict(
        dataset, test_mode=True, pipeline=[steps[0], resize, *steps[1:]])
    cfg.test_dataloader = deepcopy(cfg.val_dataloader)
    cfg.val_evaluator.ann_file = str(root / 'ann.json')
    cfg.test_evaluator = deepcopy(cfg.val_evaluator)
    for head in ('bbox_head', 'mask_head'):
        cfg.model.roi_head[head].num_classes = 1
    return Config(cfg.to_dict(), filename=None)
