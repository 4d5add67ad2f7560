"""Every config: it loads, and its full-width model is the stock one."""
from collections import Counter
from math import prod
from urllib.parse import urlparse

import numpy as np
import pytest
import torch
import torchvision
from config_zoo import (BASE_MODELS, CONFIGS, ROOT, config_of, entries,
                        every_config, frozen_guides, full_width, load, on_meta,
                        shapes, shrink, stock_shapes, without_weights)
from mmengine.config import Config, ConfigDict
from mmpretrain.apis import ModelHub
from torch import nn

from mmmix.registry import BATCH_AUGMENTS, MODELS

# Parameters that a config may add to the stock model.
ADDED = {
    'head.mix_losses.fine.classifier.weight',
    'head.mix_losses.fine.classifier.bias',
    'head.mix_losses.dense.classifier.weight',
    'head.mix_losses.dense.classifier.bias',
    'head.label_rule.logit',
    *(f'mixers.AutoMix.{layer}.{kind}' for layer in ('query', 'value')
      for kind in ('weight', 'bias')),
}

# Million parameters for 1000 classes, as published: MixPro, Table 1; for
# CaiT-XXS-24 the CaiT paper, for Swin-T MMPretrain, and for EfficientNet-Lite0
# the README of its authors.
MILLIONS = {
    'deit-tiny': '5.7',
    'deit-small': '22.1',
    'deit-base': '86.6',
    'pvt-tiny': '13.2',
    'pvt-small': '24.5',
    'pvt-medium': '44.2',
    'pvt-large': '61.4',
    'xcit-tiny24': '12',
    'xcit-small12': '26',
    'xcit-medium24': '84',
    'xcit-large24': '189',
    'cait-xxs24': '12.0',
    'cait-xxs36': '17.3',
    'swin-tiny': '28.3',
    'ca-swin-tiny': '28.3',
    'ca-swin-small': '49.6',
    'efficientnet-lite0': '4.7',
}
# Exact numbers, by the names that torchvision has.
TORCHVISION = {
    name: name.replace('-', '_')
    for name in ('resnet18', 'resnet34', 'resnet101', 'resnet152',
                 'densenet121', 'densenet169', 'densenet201',
                 'efficientnet-b0', 'efficientnet-b1', 'efficientnet-b6',
                 'efficientnet-b7')
}
TORCHVISION['resnext50'] = 'resnext50_32x4d'
# The 3 x 3 stem has 64 x 3 kernels of 9 numbers instead of 49.
SMALL_STEM = {'resnet18-cifar': 'resnet18', 'resnext50-cifar': 'resnext50'}
# Ours, published nowhere.
OURS = {
    'pvt-xs-128px', 'resnet-xs', 'resnet-xs-32px', 'vit-xs', 'vit-xs-64px',
    'vit-xxs'
}


def test_there_are_configs(capsys):
    with capsys.disabled():
        print(f' {len(CONFIGS)} configs ', end='')
    names = Counter(path.stem for path in CONFIGS)
    assert names and set(names.values()) == {1}, 'two configs share a name'


@every_config
@pytest.mark.filterwarnings('ignore:FrozenGuide has no checkpoint')
def test_full_width_is_the_stock_model(path):
    cfg = without_weights(load(path), change=shrink)
    assert cfg.model.head.num_classes == cfg.data_preprocessor.num_classes
    ours = shapes(full_width(cfg))
    stock = stock_shapes(cfg)
    if stock is not None:  # the others are compared by their number, below
        assert {n: s for n, s in ours.items() if n not in ADDED} == stock
    counted = sum(
        prod(shape) for n, shape in ours.items()
        if not n.startswith('mixers.'))
    assert entries()[path]['Metadata']['Parameters'] == counted


def parameters(name):
    """Number of parameters of a model in `_base_/models`, 1000 classes."""
    path, = (path for path in BASE_MODELS if path.stem == name)
    model = load(path).model
    model.head.num_classes = 1000
    cfg = Config(dict(model=model, data_preprocessor=dict()))
    return sum(p.numel() for p in full_width(cfg).parameters())


def test_every_base_model_has_a_reference():
    known = {
        *MILLIONS, *TORCHVISION, *SMALL_STEM, *OURS, 'densenet264',
        'absvit-base'
    }
    assert {path.stem for path in BASE_MODELS} == known


@pytest.mark.parametrize('name', TORCHVISION)
def test_parameters_as_torchvision_publishes_them(name):
    weights = torchvision.models.get_model_weights(TORCHVISION[name])
    assert parameters(name) == weights.DEFAULT.meta['num_params']


@pytest.mark.parametrize('name', MILLIONS)
def test_parameters_as_the_papers_publish_them(name):
    published = MILLIONS[name]
    digits = len(published.partition('.')[2])
    assert f'{parameters(name) / 1e6:.{digits}f}' == published


@pytest.mark.parametrize('name', SMALL_STEM)
def test_parameters_with_a_small_stem(name):
    fewer = 64 * 3 * (49 - 9)
    assert parameters(name) == parameters(SMALL_STEM[name]) - fewer


def test_parameters_of_densenet264_by_hand():
    """The DenseNet paper, Table 1: growth 32, bottlenecks of 4 x 32."""
    channels, count = 64, 3 * 64 * 49 + 2 * 64
    for depth in (6, 12, 64, 48):
        for _ in range(depth):
            count += 2 * channels + channels * 128  # norm, 1 x 1
            count += 2 * 128 + 128 * 32 * 9  # norm, 3 x 3
            channels += 32
        count += 2 * channels  # norm of the transition, or the last
        if depth != 48:
            count += channels * channels // 2
            channels //= 2
    assert parameters('densenet264') == count + channels * 1000 + 1000


def test_parameters_of_absvit():
    """Two linear maps for each block of a ViT-B, and the prompt."""
    more = 12 * 2 * 768**2 + 768
    assert parameters('absvit-base') == parameters('deit-base') + more


def all_guides():
    guides = {
        guide.config: guide.get('checkpoint')
        for path in CONFIGS
        for guide in frozen_guides(load(path))
        if guide.config.startswith('mmpretrain::')
    }
    return sorted(guides.items())


def test_frozen_guides_have_the_weights_of_their_configs():
    guides = all_guides()
    assert guides
    for config, checkpoint in guides:
        name = config.split('/')[-1].removesuffix('.py')
        published = ModelHub.get(name).weights
        # the host differs between the stacks
        assert urlparse(checkpoint).scheme == 'https'
        assert urlparse(checkpoint).path == urlparse(published).path


def test_pretrained_backbones_have_the_keys_of_torchvision():
    checked = set()
    for path in CONFIGS:
        backbone = load(path).model.backbone
        init_cfg = backbone.get('init_cfg') or ConfigDict()
        scheme, _, name = init_cfg.get('checkpoint', '').partition('://')
        if scheme != 'torchvision' or name in checked:
            continue
        checked.add(name)
        with on_meta():
            ours = MODELS.build(backbone).state_dict()
            theirs = torchvision.models.get_model(name).state_dict()
        for key, value in ours.items():
            assert theirs[key].shape == value.shape
    assert checked == {'resnet18', 'resnext50_32x4d'}


@pytest.mark.parametrize('name',
                         ['resnet18', 'densenet121', 'efficientnet-b0'])
def test_weights_are_xavier_normal(name):
    """Attentive CutMix, section 4.3: std is sqrt(2 / (fan_in + fan_out))."""
    path = f'configs/vanilla/{name}_vanilla_1xb32-80e_cifar10.py'
    model = MODELS.build(load(ROOT / path).model)
    model.init_weights()
    layers = [
        m.weight for m in model.modules()
        if isinstance(m, (nn.Conv2d, nn.Linear)) and m.weight.numel() > 1e4
    ]
    assert layers
    for weight in layers:
        kernel = weight[0, 0].numel()
        std = (2 / (sum(weight.shape[:2]) * kernel))**0.5
        torch.testing.assert_close(
            weight.std(), torch.tensor(std), rtol=0.05, atol=0)


@pytest.mark.parametrize('name', ['deit-small', 'pvt-small', 'ca-swin-tiny'])
def test_cells_of_mixpro_lie_on_the_places_of_its_attention(name):
    """Uniform attention gives the area as the label."""
    cfg = load(config_of(f'{name}_mixpro_8xb128-warm20-300e_in1k'))
    grid = (14, 14) if name == 'deit-small' else (7, 7)
    mixer = BATCH_AUGMENTS.build(cfg.model.train_cfg.augments[0])
    rule = MODELS.build(cfg.model.head.label_rule)
    attention = torch.full((2, *grid), 1 / (grid[0] * grid[1]))
    for seed in range(20):
        params = mixer.sample(np.random.default_rng(seed), 2, (224, 224))
        mixed = mixer.mix(torch.rand(2, 3, 224, 224), torch.eye(2), params)
        torch.testing.assert_close(
            rule.attention_lambda(mixed, attention), mixed.lam)
