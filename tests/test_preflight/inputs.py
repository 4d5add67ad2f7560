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
