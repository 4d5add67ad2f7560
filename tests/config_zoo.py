"""The configs, and their models: at full width, and small ones of the kind.

A new family of backbones is one entry of ``SMALL``, and one of ``STOCK`` if
its stock class has another name.
"""
from contextlib import contextmanager
from copy import deepcopy
from functools import lru_cache
from pathlib import Path

import pytest
import torch
import yaml
from mmengine.config import Config
from mmpretrain.models import ImageClassifier
from torch.overrides import TorchFunctionMode

import mmmix  # noqa: F401
from mmmix.environment import find_config
from mmmix.registry import MODELS

ROOT = Path(__file__).parents[1]
# of the methods: each in its own folder, or in ablations/ inside it
CONFIGS = sorted(
    path for pattern in ('[!_]*/*.py', '[!_]*/ablations/*.py')
    for path in (ROOT / 'configs').glob(pattern))
BASE_MODELS = sorted((ROOT / 'configs/_base_/models').glob('*.py'))


def name_of(path):
    """The name of a config: its path in ``configs/`` without the suffix."""
    return str(path.relative_to(ROOT / 'configs').with_suffix(''))


def config_of(stem):
    """The config of a method with this file name; they are unique."""
    path, = (path for path in CONFIGS if path.stem == stem)
    return path


every_config = pytest.mark.parametrize('path', CONFIGS, ids=name_of)

# The stock backbone that has the parameters of ours.
STOCK = {'mmmix.CaiT': 'TIMMBackbone'}

# What makes a backbone small, and the channels of its features. Patches stay
# as they are: the mixers are made for them.
TRANSFORMER = dict(
    embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64)
HIERARCHY = dict(embed_dims=8, depths=[1, 1, 2, 2], num_heads=[1, 1, 2, 2])
NARROW = dict(stem_channels=8, base_channels=8)
GROWTH = dict(growth_rate=4, depths=[1, 1, 1, 2], init_channels=8)
PYRAMID = dict(
    embed_dims=(8, 8, 8, 16),
    depths=(1, 1, 1, 2),
    num_heads=(1, 1, 1, 2),
    mlp_ratios=(2, 2, 2, 2),
    sr_ratios=(8, 4, 2, 1))
SMALL = {
    'VisionTransformer': (dict(arch=TRANSFORMER), 32),
    'mmmix.AbSViT': (dict(arch=TRANSFORMER), 32),
    'SwinTransformer': (dict(arch=HIERARCHY, window_size=4), 64),
    'mmmix.CASwin': (dict(arch=HIERARCHY, window_size=4), 64),
    'mmmix.PyramidVisionTransformer': (dict(arch=PYRAMID), 16),
    'XCiT': (dict(embed_dims=16, depth=2, num_heads=2), 16),
    'mmmix.CaiT': (dict(embed_dim=16, depth=2, num_heads=2), 16),
    'ResNet': (dict(depth=18, **NARROW), 64),
    'ResNet_CIFAR': (dict(depth=18, **NARROW), 64),
    'ResNeXt': (dict(groups=2, **NARROW), 256),
    'mmmix.ResNeXt_CIFAR': (dict(groups=2, **NARROW), 256),
    'DenseNet': (dict(arch=GROWTH), 12),
    'EfficientNet': (dict(arch='b0'), 1280),
    'TIMMBackbone': (dict(model_name='tf_efficientnet_lite0'), 1280),
}


@lru_cache(maxsize=None)
def _parse(source):
    if str(source).startswith('mmmix::'):
        return Config.fromfile(find_config(source))
    if '::' in str(source):
        return Config.fromstring(f'_base_ = {source!r}', '.py')
    return Config.fromfile(source)


def load(source):
    """A config, by its path or its ``'package::path'``."""
    return deepcopy(_parse(source))


def need_timm(backbone):
    """Skip the test if a backbone is timm's and that is not installed."""
    if backbone['type'] in ('mmmix.CaiT', 'TIMMBackbone'):
        pytest.importorskip('timm')


def frozen_guides(cfg):
    """Configs of the frozen guides that a config asks for."""
    guide = cfg.model.get('train_cfg', {}).get('guide', {})
    found = [guide, *(g for g in guide.values() if isinstance(g, dict))]
    return [g for g in found if g.get('type') == 'mmmix.FrozenGuide']


def without_weights(cfg, change=lambda model: None):
    """Leave out the weights of frozen guides; nothing is downloaded.

    Args:
        cfg (Config): Changed in place.
        change (Callable): Changes the config of a guide's model, in place.
    """
    for guide in frozen_guides(cfg):
        guide.config = load(guide.config)._cfg_dict
        guide.checkpoint = None
        need_timm(guide.config.model.backbone)
        change(guide.config.model)
    return cfg


class _ShapesOnly(TorchFunctionMode):
    """Nothing is filled in, since tensors on the meta device have no values.

    Some backbones read their drop path rates from a tensor, which is real.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func in _FILLS and args[0].is_meta:
            return args[0]
        if func is torch.linspace:
            kwargs['device'] = 'cpu'
        return func(*args, **kwargs)


_FILLS = {
    getattr(torch.Tensor, name)
    for name in ('add_', 'clamp_', 'copy_', 'div_', 'erfinv_', 'fill_', 'mul_',
                 'normal_', 'sub_', 'uniform_', 'zero_')
}


@contextmanager
def on_meta():
    """Build models of any width in no time."""
    with torch.device('meta'), _ShapesOnly():
        yield


_backbones = {}


def _backbone(cfg):
    """A backbone on the meta device; each is built once."""
    need_timm(cfg)
    key = repr(cfg)
    if key not in _backbones:
        _backbones[key] = MODELS.build(cfg)
    return _backbones[key]


def full_width(cfg):
    """The model of a config at full width, on the meta device."""
    with on_meta():
        return MODELS.build(
            dict(
                cfg.model,
                backbone=_backbone(cfg.model.backbone),
                data_preprocessor=cfg.data_preprocessor))


def shapes(model):
    """Shape of each parameter."""
    return {name: tuple(p.shape) for name, p in model.named_parameters()}


@lru_cache(maxsize=None)
def entries():
    """What the metafiles say of each config, by its path."""
    return {
        ROOT / entry['Config']: entry
        for metafile in (ROOT / 'configs').glob('*/metafile.yml')
        for entry in yaml.safe_load(metafile.read_text())['Models']
    }


_stock = {}


def stock_shapes(cfg):
    """Shape of each parameter of the stock classifier, None if there is none.

    Necks have no parameters.
    """
    key = repr((cfg.model.backbone, cfg.model.head))
    if key not in _stock:
        _stock[key] = _stock_shapes(cfg)
    return _stock[key]


def _stock_shapes(cfg):
    backbone = dict(cfg.model.backbone)
    backbone['type'] = STOCK.get(backbone['type'], backbone['type'])
    if backbone['type'].startswith('mmmix.'):
        return None
    backbone.pop('out_type', None)
    head = dict(cfg.model.head)
    head['type'] = head['type'].replace('mmmix.Mix', '')
    for name in ('label_rule', 'mix_losses'):
        head.pop(name, None)
    with on_meta():
        return shapes(ImageClassifier(_backbone(backbone), head=head))


def shrink(model):
    """A small model of the same kind, in place.

    Returns:
        int: Side of its images: 128, or what is next to it in whole patches.
    """
    changes, channels = SMALL[model.backbone.type]
    model.backbone.update(deepcopy(changes))
    model.head.in_channels = channels
    size = 128 - 128 % model.backbone.get('patch_size', 1)
    if 'img_size' in model.backbone or model.backbone.type == 'mmmix.CaiT':
        model.backbone.img_size = size
    guide = (model.get('train_cfg') or {}).get('guide') or {}
    if guide.get('feature_layer', '').startswith('layers.'):
        guide.feature_layer = 'layers.0'  # there are only two
    return size


def pieces(cfg):
    """What a config is made of: types, modes and names of options."""
    model = cfg.model
    mixing = dict(model.get('train_cfg', {}))
    mixing.pop('probs', None)
    return (model.backbone.type, model.head.type, _outline(mixing),
            _outline(model.head.get('label_rule')),
            _outline(model.head.get('mix_losses')))


def _outline(part):
    if isinstance(part, dict):
        return tuple((name, _outline(part[name])) for name in sorted(part)
                     if part[name] is not None)
    if isinstance(part, (list, tuple)):
        return tuple(map(_outline, part))
    return part if isinstance(part, str) else None
