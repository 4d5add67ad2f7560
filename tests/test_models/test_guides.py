"""What a guide returns, and that it leaves no trace in the model."""
import copy

import pytest
import torch
import torch.nn.functional as F
from helpers import (BOTH_LOSSES, SMMIX, batch, build, cnn_config,
                     dense_attention, mix, train_losses, vit_config)

from mmmix.engine.hooks.ema_guide_hook import ema_guides
from mmmix.models import EMAGuide, SelfGuide
from mmmix.models.eval_mode import evaluating
from mmmix.models.guides import build_guides

SMMIX_FULL = dict(augments=[SMMIX], mix_losses=BOTH_LOSSES)


def test_the_guide_sees_the_unmixed_images_in_eval_mode():
    model = build(
        vit_config(
            **SMMIX_FULL, backbone=dict(drop_path_rate=0.5, drop_rate=0.5)))
    data = batch()
    _, step = train_losses(model, dict(data))
    inputs = torch.stack(data['inputs'])
    model.eval()
    with torch.no_grad():
        torch.testing.assert_close(step['guidance'].logits, model(inputs))
        torch.testing.assert_close(step['guidance'].attention.flatten(1),
                                   dense_attention(model.backbone, inputs))


@pytest.mark.parametrize(
    'cfg,attention_map',
    [(vit_config, dict(type='mmmix.BottomUp')),
     (vit_config, dict(type='mmmix.ClassAttention')),
     (vit_config, dict(type='mmmix.TopDown', form='two_pass')),
     (vit_config, dict(type='mmmix.TopDown', form='one_pass')),
     (cnn_config, dict(type='mmmix.BottomUp')),
     (cnn_config, dict(type='mmmix.TopDown'))])
def test_the_guide_leaves_no_trace(cfg, attention_map):
    """No gradient, no batch-norm statistic, no changed flag, no hook; and
    batch norm and dropout are in eval mode while it runs."""
    model = build(
        cfg([SMMIX],
            dict(consistency=BOTH_LOSSES['consistency']),
            guide=dict(type='SelfGuide', attention_map=attention_map)))
    if cfg is vit_config:
        model.backbone.pre_norm = torch.nn.BatchNorm1d(17)
        model.backbone.drop_after_pos.p = 0.5
    model.train()
    next(model.backbone.children()).eval()  # as a frozen stage
    flags = {name: m.training for name, m in model.named_modules()}
    assert len(set(flags.values())) == 2
    state = copy.deepcopy(model.state_dict())
    hooks = [len(m._forward_hooks) for m in model.modules()]

    images = batch()
    first, second = (mix(model, copy.deepcopy(images)) for _ in range(2))

    assert {name: m.training for name, m in model.named_modules()} == flags
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert all(p.grad is None for p in model.parameters())
    assert [len(m._forward_hooks) for m in model.modules()] == hooks
    for tensor in (first['inputs'], first['guidance'].attention,
                   first['guidance'].logits):
        assert not tensor.requires_grad
    assert torch.equal(first['guidance'].attention,
                       second['guidance'].attention)
    assert torch.equal(first['guidance'].logits, second['guidance'].logits)


def test_flags_are_restored_after_an_error():
    model = build(vit_config()).train()
    with pytest.raises(RuntimeError), evaluating(model):
        assert not any(m.training for m in model.modules())
        raise RuntimeError
    assert all(m.training for m in model.modules())


def test_a_copy_guides_itself():
    """The moving average is a deep copy; it must not be guided by the
    original."""
    model = build(vit_config([SMMIX]))
    copied = copy.deepcopy(model)
    with torch.no_grad():
        copied.backbone.layers[-1].attn.qkv.weight.mul_(3)
    data = batch()
    for one in (model, copied):
        torch.testing.assert_close(
            mix(one, dict(data))['guidance'].attention.flatten(1),
            dense_attention(one.backbone, torch.stack(data['inputs'])))


EMA = dict(type='EMAGuide')
BY_WORD = dict(
    attention=dict(type='SelfGuide', attention_map=dict(type='mmmix.TopDown')),
    logits=EMA)


@pytest.mark.parametrize('guide', [None, EMA, BY_WORD])
def test_a_whole_model_can_be_saved(tmp_path, guide):
    model = build(vit_config([SMMIX], BOTH_LOSSES, guide=guide))
    for part in ema_guides(model):
        part.average = copy.deepcopy(model)
    torch.save(model, tmp_path / 'model.pt')
    loaded = torch.load(tmp_path / 'model.pt', weights_only=False)
    for part in ema_guides(loaded):
        assert part.average is None  # it is not saved with the model
        with pytest.raises(ValueError, match='no moving average'):
            train_losses(loaded)
        part.average = loaded
    assert set(train_losses(loaded)[0]) == {
        'loss_cls', 'loss_fine', 'loss_consistency'
    }


@pytest.mark.parametrize('guide', [EMA, dict(attention=EMA)])
def test_the_error_names_the_hook_that_an_average_requires(guide):
    model = build(vit_config(**SMMIX_FULL, guide=guide))
    with pytest.raises(ValueError, match='EMAGuideHook'):
        train_losses(model)
    average = copy.deepcopy(model)
    with torch.no_grad():
        average.backbone.layers[-1].attn.qkv.weight.mul_(3)
    for part in ema_guides(model):
        part.average = average
    data = batch()
    _, step = train_losses(model, dict(data))
    inputs = torch.stack(data['inputs'])
    with torch.no_grad():
        torch.testing.assert_close(step['guidance'].attention.flatten(1),
                                   dense_attention(average.backbone, inputs))
        torch.testing.assert_close(
            step['guidance'].logits,
            (average if guide is EMA else model)(inputs))


def test_a_model_in_eval_mode_stands_for_its_average():
    """As in an analysis, whose checkpoint holds averaged weights."""
    model = build(vit_config([SMMIX], guide=EMA)).eval()
    data = batch()
    torch.testing.assert_close(
        mix(model, dict(data))['guidance'].attention.flatten(1),
        dense_attention(model.backbone, torch.stack(data['inputs'])))


def test_a_guide_for_each_word_is_asked_for_that_alone():
    model = build(
        vit_config(
            **SMMIX_FULL,
            guide=dict(
                attention=dict(type='SelfGuide', scale=0.5),
                logits=dict(type='SelfGuide', input_size=48))))
    data = batch()
    _, step = train_losses(model, dict(data))
    inputs = torch.stack(data['inputs'])
    sizes = [dict(size=s, mode='bilinear', antialias=True) for s in (16, 48)]
    with torch.no_grad():
        torch.testing.assert_close(
            step['guidance'].attention.flatten(1),
            dense_attention(model.backbone, F.interpolate(inputs, **sizes[0])))
        torch.testing.assert_close(step['guidance'].logits,
                                   model(F.interpolate(inputs, **sizes[1])))
    # a guide from which nothing is required is not asked
    model = build(vit_config([SMMIX], guide=dict(logits=EMA)))
    _, step = train_losses(model)
    assert step['guidance'].logits is None


def test_a_default_guide_beside_one_for_a_word():
    guides = build_guides(dict(type='SelfGuide', scale=2., logits=EMA))
    assert guides['attention'].scale == 2
    assert type(guides['logits']) is EMAGuide
    both = build_guides(EMA)
    assert both['attention'] is both['logits']
    # an inherited word can be removed
    assert type(build_guides(dict(logits=None))['logits']) is SelfGuide


@pytest.mark.parametrize('guide,message', [
    (dict(logit=EMA), r"`type`.*for each of .*but has \['logit'\]"),
    (dict(attention=dict(type='mmmix.TopDown')),
     '`guide.attention` must be of type Guide'),
])
def test_a_config_that_does_not_build_guides_is_refused(guide, message):
    with pytest.raises(ValueError, match=message):
        build(vit_config([SMMIX], guide=guide))


def test_backbone_without_extractor_is_refused_at_build_time():
    cfg = vit_config([SMMIX])
    cfg['backbone'] = dict(
        type='mmpretrain.MlpMixer',
        arch=dict(
            embed_dims=24,
            num_layers=1,
            tokens_mlp_dims=8,
            channels_mlp_dims=8),
        img_size=32,
        patch_size=8)
    cfg['neck'] = dict(type='mmpretrain.GlobalAveragePooling', dim=1)
    cfg['head'].update(type='mmmix.MixLinearClsHead')
    with pytest.raises(ValueError, match='MlpMixer.*There are .*ViTAttention'):
        build(cfg)
    # mixing without a guide requires none
    cfg['train_cfg']['augments'] = [dict(type='mmmix.CutMix', alpha=1.)]
    losses, _ = train_losses(build(cfg))
    assert set(losses) == {'loss_cls'}


def test_a_backbone_like_a_vit_with_another_attention_is_refused():
    cfg = vit_config([SMMIX])
    cfg['backbone'] = dict(
        type='mmpretrain.BEiTViT', arch='base', img_size=32, patch_size=8)
    with pytest.raises(ValueError, match='BEiTViT'):
        build(cfg)


@pytest.mark.parametrize('options,size',
                         [(dict(scale=0.5), (16, 24)),
                          (dict(scale=2.), (64, 96)),
                          (dict(input_size=40), (40, 40)),
                          (dict(input_size=(24, 16)), (24, 16))])
def test_the_guide_sees_the_images_at_another_size(options, size):
    """Its position embeddings are resized, its map has fewer cells."""
    model = build(
        vit_config(
            **SMMIX_FULL,
            img_size=(32, 48),
            guide=dict(type='SelfGuide', **options)))
    data = batch(size=(32, 48))
    losses, step = train_losses(model, dict(data))
    assert step['guidance'].attention.shape == (6, size[0] // 8, size[1] // 8)
    shown = F.interpolate(
        torch.stack(data['inputs']), size, mode='bilinear', antialias=True)
    backbone = model.backbone
    tokens = backbone.patch_embed(shown)[0]
    position = F.interpolate(
        backbone.pos_embed[:, 1:].mT.unflatten(2, (4, 6)),
        (size[0] // 8, size[1] // 8),
        mode='bicubic',
        align_corners=False).flatten(2).mT
    tokens = torch.cat(
        [(backbone.cls_token + backbone.pos_embed[:, :1]).expand(6, -1, -1),
         tokens + position], 1)
    for layer in backbone.layers:
        tokens = layer(tokens)
    expected = model.head.layers.head(backbone.ln1(tokens)[:, 0])
    torch.testing.assert_close(step['guidance'].logits, expected)
    assert all(torch.isfinite(loss) for loss in losses.values())


@pytest.mark.parametrize('cfg', [vit_config, cnn_config])
def test_the_guide_runs_in_bfloat16(cfg):
    model = build(
        cfg([SMMIX],
            dict(consistency=BOTH_LOSSES['consistency']),
            guide=dict(
                type='SelfGuide',
                attention_map=dict(type='mmmix.TopDown'),
                dtype='bfloat16')))
    seen = []
    layer = model.head.fc if cfg is cnn_config else model.head.layers.head
    layer.register_forward_hook(lambda *args: seen.append(args[-1].dtype))
    train_losses(model)
    # the guide, and then the model under training
    assert seen == [torch.bfloat16, torch.float32]
    guide, labels = model.data_preprocessor.guides['logits'], torch.eye(5)
    asked = model, torch.rand(5, 3, 32, 32), frozenset({'attention', 'logits'})
    rounded = guide(*asked, labels)
    assert rounded.attention.dtype == rounded.logits.dtype == torch.float32
    guide.dtype = None
    exact = guide(*asked, labels)
    torch.testing.assert_close(
        rounded.attention, exact.attention, rtol=0.2, atol=0.02)
    assert not torch.equal(rounded.attention, exact.attention)


@pytest.mark.parametrize(
    'options,message',
    [(dict(scale=0), r'\(0, 4\], not 0'), (dict(scale=5.), 'not 5.0'),
     (dict(scale=0.5, input_size=32), 'excludes `scale`'),
     (dict(input_size=0), '`input_size` .*positive whole.*not 0'),
     (dict(input_size=(32, 32, 3)), r'not \(32, 32, 3\)'),
     (dict(input_size=31.5), 'whole number.* not 31.5'),
     (dict(dtype='int8'), "or None, not 'int8'"),
     (dict(scale=0.4), '13 x 13 .* cells of 8 x 8.*32 x 32, by its scale=0.4'),
     (dict(input_size=36), '36 x 36 .* cells of 8 x 8.* input_size=.36, 36.')])
def test_bad_options_are_refused_at_build_time(options, message):
    with pytest.raises(ValueError, match=message):
        build(vit_config([SMMIX], guide=dict(type='SelfGuide', **options)))
