"""A network as the source of label maps: each place classified by itself."""
import copy

import pytest
import torch
from helpers import (ARCH, FLOAT16, NUM_CLASSES, batch, build, cnn_config, mix,
                     train_losses, vit_config)

from mmmix.models import FrozenGuide, SelfGuide
from mmmix.registry import MODELS

DENSE = dict(dense=dict(type='mmmix.DenseLabelLoss', target='label_maps'))
CUTMIX = dict(type='mmmix.CutMix')
STOCK_VIT = dict(
    type='mmpretrain.ImageClassifier',
    backbone=dict(
        type='mmpretrain.VisionTransformer',
        arch=ARCH,
        img_size=32,
        patch_size=8,
        out_type='cls_token'),
    head=dict(
        type='mmpretrain.VisionTransformerClsHead',
        num_classes=7,
        in_channels=24,
        hidden_dim=12))


def asked(guide, model, images, *words):
    model.eval()
    return guide(model, images, frozenset(words))


def test_each_patch_token_is_classified():
    model, images = build(vit_config()), torch.rand(3, 3, 32, 32)
    maps = asked(SelfGuide(), model, images, 'label_maps').label_maps
    assert maps.shape == (3, NUM_CLASSES, 4, 4)
    with torch.no_grad():
        tokens, = model.backbone(images)
        for n in range(3):
            for y in range(4):
                for x in range(4):
                    logits = model.head((tokens[n, 1 + 4 * y + x, None], ))
                    torch.testing.assert_close(maps[n, :, y, x],
                                               logits.softmax(1)[0])


def test_each_place_of_a_cnn_is_classified():
    """Of an oblong image; and their mean logits are the image's."""
    model, images = build(cnn_config()), torch.rand(3, 3, 32, 48)
    guidance = asked(SelfGuide(), model, images, 'label_maps', 'logits')
    maps = guidance.label_maps
    assert maps.shape == (3, NUM_CLASSES, 4, 6)
    with torch.no_grad():
        features = model.backbone(images)[-1]
        weight, bias = model.head.fc.weight, model.head.fc.bias
        for n in range(3):
            logits = [[weight @ features[n, :, y, x] + bias for x in range(6)]
                      for y in range(4)]
            for y in range(4):
                for x in range(6):
                    torch.testing.assert_close(maps[n, :, y, x],
                                               logits[y][x].softmax(0))
            torch.testing.assert_close(
                guidance.logits[n],
                sum(sum(row) for row in logits) / 24,
                rtol=1e-4,
                atol=1e-5)


@pytest.mark.parametrize('cfg', [vit_config, cnn_config])
def test_together_with_others_each_is_what_it_is_alone(cfg):
    model, images = build(cfg()), torch.rand(3, 3, 32, 32)
    labels = torch.eye(NUM_CLASSES)[:3]
    guide = SelfGuide(attention_map=dict(type='mmmix.TopDown'))
    words = ('attention', 'logits', 'label_maps')
    model.eval()
    together = guide(model, images, frozenset(words), labels)
    for word in words:
        alone = guide(model, images, frozenset({word}), labels)
        torch.testing.assert_close(
            getattr(together, word), getattr(alone, word))


@pytest.mark.parametrize('cfg', [vit_config, cnn_config])
def test_it_leaves_no_trace(cfg):
    model = build(cfg([CUTMIX], DENSE))
    model.train()
    state, images = copy.deepcopy(model.state_dict()), batch()
    hooks = [len(m._forward_hooks) for m in model.modules()]
    guidance = mix(model, images)['guidance']
    assert not guidance.label_maps.requires_grad
    assert all(m.training for m in model.modules())
    assert hooks == [len(m._forward_hooks) for m in model.modules()]
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name


@pytest.mark.parametrize('dtype', ['bfloat16', FLOAT16, None])
def test_maps_are_float32_and_sum_to_one(dtype):
    model = build(cnn_config())
    maps = asked(
        SelfGuide(dtype=dtype), model, torch.rand(2, 3, 32, 32),
        'label_maps').label_maps
    assert maps.dtype == torch.float32
    torch.testing.assert_close(maps.sum(1), torch.ones(2, 4, 4))


@pytest.mark.filterwarnings('ignore:FrozenGuide has no checkpoint')
@pytest.mark.parametrize('classes', [[6, 0, 3, 1, 2], None])
def test_a_stock_vit_that_outputs_its_class_token_alone(classes):
    """Of other classes, with a hidden layer in its head."""
    cfg = copy.deepcopy(STOCK_VIT)
    if classes is None:
        cfg['head']['num_classes'] = NUM_CLASSES
    guide = FrozenGuide(config=dict(model=cfg), classes=classes)
    student, images = build(vit_config()), torch.rand(2, 3, 32, 32)
    student.data_preprocessor = MODELS.build(
        dict(type='mmmix.MixDataPreprocessor', num_classes=NUM_CLASSES))
    guide.check(student, frozenset({'label_maps'}))
    network = guide.network(student)
    for p in network.parameters():
        p.add_(0.1 * torch.randn_like(p))
    maps = asked(guide, student, images, 'label_maps').label_maps
    with torch.no_grad():
        network.backbone.out_type = 'raw'
        tokens, = network.backbone(images)
        logits = network.head((tokens[:, 1:].flatten(0, 1), ))
    if classes is not None:
        logits = logits[:, classes]
    expected = logits.softmax(1).view(2, 4, 4, NUM_CLASSES).permute(0, 3, 1, 2)
    torch.testing.assert_close(maps, expected)


@pytest.mark.filterwarnings('ignore:FrozenGuide has no checkpoint')
def test_a_frozen_network_of_other_classes_is_refused():
    guide = dict(
        label_maps=dict(
            type='mmmix.FrozenGuide', config=dict(model=STOCK_VIT)))
    with pytest.raises(ValueError, match='has 7 classes'):
        build(vit_config([CUTMIX], DENSE, guide=guide))


def test_an_average_that_lacks_its_hook_is_named():
    guide = dict(label_maps=dict(type='mmmix.EMAGuide'))
    model = build(cnn_config([CUTMIX], DENSE, guide=guide))
    with pytest.raises(ValueError, match='EMAGuideHook'):
        train_losses(model)


@pytest.mark.parametrize('cfg', [vit_config, cnn_config])
@pytest.mark.parametrize('n,size', [(1, (32, 32)), (5, (16, 40))])
def test_a_step(cfg, n, size):
    rule = dict(type='mmmix.TokenMixLabel', maps='label_maps')
    model = build(
        cfg([CUTMIX], DENSE, head=dict(label_rule=rule), img_size=size))
    losses, seen = train_losses(model, batch(n, size))
    assert seen['guidance'].label_maps.shape[:2] == (n, NUM_CLASSES)
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
