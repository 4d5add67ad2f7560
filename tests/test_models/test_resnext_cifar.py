import torch
from mmpretrain.models.backbones import ResNeXt

from mmmix.models import ResNeXt_CIFAR
from mmmix.registry import MODELS

NARROW = dict(depth=50, groups=2, stem_channels=8, base_channels=8)


def test_it_is_resnext_behind_a_small_stem():
    torch.manual_seed(0)
    small = ResNeXt_CIFAR(**NARROW)
    stock = ResNeXt(**NARROW)
    weights = stock.state_dict()
    own = weights.pop('conv1.weight').shape
    assert (own[2:], small.conv1.weight.shape[2:]) == ((7, 7), (3, 3))
    missing, unexpected = small.load_state_dict(weights, strict=False)
    assert missing == ['conv1.weight'] and not unexpected
    for model in (small, stock):
        for module in model.modules():
            module.training = False

    inputs = torch.rand(2, 3, 32, 48)
    x = torch.conv2d(inputs, small.conv1.weight, stride=1, padding=1)
    x = stock.bn1(x).relu()
    for name in stock.res_layers:
        x = getattr(stock, name)(x)
    features, = small(inputs)
    assert features.shape == (2, 256, 4, 6)
    torch.testing.assert_close(features, x)


def test_it_has_a_name_in_configs():
    cfg = dict(type='mmmix.ResNeXt_CIFAR', **NARROW)
    assert type(MODELS.build(cfg)) is ResNeXt_CIFAR
