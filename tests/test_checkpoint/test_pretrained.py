"""The initializer: what it loads, resizes, reports and refuses."""
import logging

import pytest
import torch
from families import FAMILIES, PVT
from helpers import ARCH, build, vit_config
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from mmengine.runner import CheckpointLoader

from mmmix.checkpoint.positions import resize_relative_positions
from mmmix.checkpoint.pretrained import StrictPretrained
from mmmix.registry import MODELS

VIT = dict(
    type='mmpretrain.VisionTransformer', arch=ARCH, img_size=32, patch_size=8)
SWIN = dict(
    type='mmpretrain.SwinTransformer',
    arch=dict(embed_dims=16, depths=[1, 2], num_heads=[1, 2]),
    img_size=32,
    window_size=4,
    out_indices=(1, ))


@pytest.fixture
def log(caplog):
    """All messages of the initializer in one text."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    caplog.set_level(logging.INFO, logger.name)
    yield lambda: caplog.text
    logger.removeHandler(caplog.handler)


def randomized(model):
    """Every parameter and buffer of floats drawn anew, biases too."""
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point():
                value.normal_()
    return model


def classifier(backbone):
    """A random classifier around a backbone, and what would be saved of it."""
    cfg = vit_config()
    cfg.update(backbone=backbone)
    model = randomized(build(cfg))
    return model, dict(meta=dict(epoch=3), state_dict=model.state_dict())


@pytest.fixture
def saved(tmp_path):

    def save(checkpoint):
        path = tmp_path / 'epoch_3.pth'
        torch.save(checkpoint, path)
        return str(path)

    return save


def initialized(backbone, checkpoint, prefix='backbone.', **init_cfg):
    """A backbone through MMEngine's own way."""
    backbone = dict(
        backbone,
        init_cfg=dict(
            type='Pretrained',
            _scope_='mmmix',
            checkpoint=checkpoint,
            prefix=prefix,
            **init_cfg))
    model = MODELS.build(backbone)
    model.init_weights()
    return model


def assert_same(model, state):
    got = model.state_dict()
    assert got.keys() == state.keys()
    for name, value in state.items():
        torch.testing.assert_close(got[name], value, rtol=0, atol=0)


@pytest.mark.parametrize('family', ['resnet', 'swin', 'pvt', 'ca_swin', 'vit'])
def test_takes_all_of_a_backbone(family, saved, log):
    backbone = VIT if family == 'vit' else FAMILIES[family].backbone
    model, checkpoint = classifier(backbone)
    taken = initialized(backbone, saved(checkpoint))
    assert_same(taken, model.backbone.state_dict())
    assert 'left out: head.' in log()
    assert 'resized' not in log() and 'new' not in log()


@pytest.mark.parametrize('scope', ['mmmix', 'mmpretrain', 'mmengine', None])
def test_is_chosen_under_any_scope(scope, saved):
    model, checkpoint = classifier(VIT)
    path = saved(checkpoint)
    with DefaultScope.overwrite_default_scope(scope):
        taken = initialized(VIT, path)
        assert_same(taken, model.backbone.state_dict())
        with pytest.raises(ValueError, match='nothing under the prefix'):
            initialized(VIT, path, prefix='neck')


@pytest.mark.parametrize('form', ['model', 'state_dict', 'bare', 'module.'])
def test_reads_every_form_of_checkpoint(form, saved):
    model, checkpoint = classifier(VIT)
    weights = checkpoint['state_dict']
    if form == 'module.':
        weights = {f'module.{name}': w for name, w in weights.items()}
    path = saved({form: weights} if form in ('model',
                                             'state_dict') else dict(weights))
    assert_same(initialized(VIT, path), model.backbone.state_dict())


def test_leaves_the_other_average_aside(saved):
    """EMAHook keeps the validated weights under 'state_dict'."""
    model, checkpoint = classifier(VIT)
    checkpoint['ema_state_dict'] = {
        name: torch.zeros_like(w)
        for name, w in checkpoint['state_dict'].items()
    }
    taken = initialized(VIT, saved(checkpoint))
    assert_same(taken, model.backbone.state_dict())


def test_reads_addresses_as_mmengine_does(monkeypatch):
    model, checkpoint = classifier(VIT)
    monkeypatch.setattr(
        CheckpointLoader, '_schemes', {
            'test://': lambda path, map_location: checkpoint,
            **CheckpointLoader._schemes
        })
    taken = initialized(VIT, 'test://deit')
    assert_same(taken, model.backbone.state_dict())


def test_takes_a_whole_checkpoint_without_prefix(saved, log):
    """As PyTorch's ResNet: other names for the head, no counted batches."""
    backbone = FAMILIES['resnet'].backbone
    model, _ = classifier(backbone)
    weights = {
        name: w
        for name, w in model.backbone.state_dict().items()
        if 'num_batches' not in name
    }
    path = saved({**weights, 'fc.weight': torch.zeros(2, 2)})
    with pytest.raises(ValueError, match='1 not in the model:\n    fc.weight'):
        initialized(backbone, path, prefix=None)
    taken = initialized(backbone, path, prefix=None, unused=['fc.*'])
    for name, weight in weights.items():
        assert torch.equal(taken.state_dict()[name], weight)
    assert 'unused, not in the model: fc.weight' in log()


def test_is_not_drawn_over(saved):
    """Neither by the model around it nor by the backbone's own parts."""
    model, checkpoint = classifier(SWIN)
    init_cfg = dict(
        type='Pretrained',
        _scope_='mmmix',
        checkpoint=saved(checkpoint),
        prefix='backbone.')
    around = vit_config()
    around.update(
        backbone=dict(SWIN, init_cfg=init_cfg),
        init_cfg=[dict(type='TruncNormal', layer='Linear', std=.02)])
    around = build(around)
    around.init_weights()
    assert_same(around.backbone, model.backbone.state_dict())


def resized_image(positions, source, grid, mode):
    """Positions of patches as an image, resized."""
    image = positions.view(*source, -1).permute(2, 0, 1)
    image = torch.nn.functional.interpolate(image[None], grid, mode=mode)
    return image[0].permute(1, 2, 0).reshape(1, grid[0] * grid[1], -1)


def test_resizes_positions_of_a_vit(saved, log):
    model, checkpoint = classifier(VIT)
    taken = initialized(dict(VIT, img_size=(24, 64)), saved(checkpoint))
    old, new = model.backbone.pos_embed, taken.pos_embed
    assert torch.equal(new[:, :1], old[:, :1])
    torch.testing.assert_close(
        new[:, 1:], resized_image(old[:, 1:], (4, 4), (3, 8), 'bicubic'))
    assert torch.equal(taken.cls_token, model.backbone.cls_token)
    assert 'resized pos_embed from (1, 17, 24) to (1, 25, 24)' in log()


def test_takes_the_class_token_away(saved, log):
    model, checkpoint = classifier(VIT)
    backbone = dict(VIT, img_size=64, with_cls_token=False, out_type='featmap')
    taken = initialized(backbone, saved(checkpoint), unused=['cls_token'])
    torch.testing.assert_close(
        taken.pos_embed,
        resized_image(model.backbone.pos_embed[:, 1:], (4, 4), (8, 8),
                      'bicubic'))
    assert 'unused, not in the model: cls_token' in log()
    with pytest.raises(ValueError, match='cls_token'):
        initialized(backbone, saved(checkpoint))


@pytest.mark.parametrize('size', [(16, 64), (16, 32)])
def test_is_told_of_a_grid_that_is_not_square(size, saved):
    """2 x 8 places are as many as 4 x 4; 2 x 4 are not a square."""
    model, checkpoint = classifier(dict(VIT, img_size=size))
    taken = initialized(VIT, saved(checkpoint), img_size=size)
    source = (2, size[1] // 8)
    torch.testing.assert_close(
        taken.pos_embed[:, 1:],
        resized_image(model.backbone.pos_embed[:, 1:], source, (4, 4),
                      'bicubic'))


def test_asks_for_a_grid_it_does_not_know(saved):
    _, checkpoint = classifier(dict(VIT, img_size=(16, 32)))
    with pytest.raises(ValueError, match='8 places.*init_cfg.img_size'):
        initialized(VIT, saved(checkpoint))
    with pytest.raises(ValueError, match='images of 8 x 8 pixels make 1 x 1'):
        initialized(VIT, saved(checkpoint), img_size=8)


def test_resizes_all_positions_of_a_pvt(saved, log):
    model, checkpoint = classifier(dict(PVT, img_size=(64, 64)))
    taken = initialized(PVT, saved(checkpoint))
    for i, stride in enumerate((4, 8, 16, 32)):
        old, new = (b.layers[i][1][0] for b in (model.backbone, taken))
        torch.testing.assert_close(
            new.pos_embed,
            resized_image(old.pos_embed, (64 // stride, 64 // stride),
                          (64 // stride, 96 // stride), 'bilinear'))
        assert f'resized layers.{i}.1.0.pos_embed' in log()
    assert torch.equal(new.pos_embed_cls, old.pos_embed_cls)


def test_resizes_absolute_positions_of_a_swin(saved):
    backbone = dict(SWIN, use_abs_pos_embed=True)
    model, checkpoint = classifier(backbone)
    taken = initialized(dict(backbone, img_size=(32, 64)), saved(checkpoint))
    torch.testing.assert_close(
        taken.absolute_pos_embed,
        resized_image(model.backbone.absolute_pos_embed, (8, 8), (8, 16),
                      'bicubic'))


@pytest.mark.parametrize(
    'swin', [SWIN, dict(SWIN, type='mmmix.CASwin')],
    ids=lambda swin: swin['type'])
def test_resizes_the_tables_of_windows(swin, saved, log):
    """And does not take the index of the other window."""
    model, checkpoint = classifier(swin)
    taken = initialized(dict(swin, window_size=3), saved(checkpoint))
    resized = 0
    for name, old in model.backbone.state_dict().items():
        new = taken.state_dict()[name]
        if name.endswith('bias_table'):
            torch.testing.assert_close(
                new, resize_relative_positions(old, (4, 4), (3, 3)))
            assert f'resized {name} from' in log()
            resized += 1
        elif name.endswith('index'):
            assert torch.equal(
                new,
                build(dict(swin, window_size=3)).state_dict()[name])
        else:
            assert torch.equal(new, old)
    assert resized == (3 if swin is SWIN else 2)
    assert taken(torch.zeros(1, 3, 32, 48))[0].isfinite().all()


def test_derives_an_index_that_was_not_saved(saved):
    model, checkpoint = classifier(SWIN)
    checkpoint['state_dict'] = {
        name: w
        for name, w in checkpoint['state_dict'].items() if 'index' not in name
    }
    taken = initialized(SWIN, saved(checkpoint))
    assert torch.equal(taken.norm1.weight, model.backbone.norm1.weight)


def test_names_what_is_new_and_unused(saved, log):
    model, checkpoint = classifier(SWIN)
    checkpoint['state_dict']['backbone.extra'] = torch.zeros(2)
    dense = dict(SWIN, out_indices=(0, 1))
    expected = dict(new=['norm0.*'], unused=['extra'])
    taken = initialized(dense, saved(checkpoint), **expected)
    assert 'new, not in the checkpoint: norm0.weight, norm0.bias' in log()
    assert 'unused, not in the model: extra' in log()
    assert (taken.norm0.weight == 1).all()
    assert torch.equal(taken.norm1.weight, model.backbone.norm1.weight)
    for name, word in dict(new='norm0.weight', unused='extra').items():
        with pytest.raises(ValueError, match=word):
            initialized(dense, saved(checkpoint), **{**expected, name: []})


def test_leaves_another_size_where_it_is_asked_to(saved, log):
    """Six channels, from a checkpoint of three."""
    model, checkpoint = classifier(VIT)
    stem = ['patch_embed.projection.weight']
    six = dict(VIT, in_channels=6)
    with pytest.raises(ValueError, match=stem[0]):
        initialized(six, saved(checkpoint), new=stem)
    taken = initialized(six, saved(checkpoint), new=stem, unused=stem)
    assert f'of another size, not used: {stem[0]}' in log()
    assert taken.patch_embed.projection.weight.shape[1] == 6
    assert torch.equal(taken.ln1.weight, model.backbone.ln1.weight)


def test_refuses_another_architecture(saved):
    """All three kinds of differences, the first of each."""
    _, checkpoint = classifier(VIT)
    wider = dict(VIT, arch=dict(ARCH, feedforward_channels=64, num_layers=3))
    checkpoint['state_dict']['backbone.extra'] = torch.zeros(2)
    with pytest.raises(ValueError) as error:
        initialized(wider, saved(checkpoint))
    text = str(error.value)
    assert 'epoch_3.pth does not hold the weights of this VisionTr' in text
    assert '6 of another size:' in text
    assert ('layers.0.ffn.layers.0.0.weight: (48, 24) in the checkpoint, '
            '(64, 24) in the model') in text
    assert '12 missing in the checkpoint:\n    layers.2.ln1.weight' in text
    assert text.count('    layers.2.') == 8 and '    ...' in text
    assert '1 not in the model:\n    extra' in text
    assert 'init_cfg.new' in text


def test_statistics_are_not_derived(saved):
    backbone = FAMILIES['resnet'].backbone
    _, checkpoint = classifier(backbone)
    with pytest.raises(ValueError, match='bn1.running_mean: .8,. in the'):
        initialized(dict(backbone, stem_channels=12), saved(checkpoint))


def test_refuses_other_positions(saved):
    """Another number of channels or heads is another model."""
    pytest.importorskip('scipy')  # for MMPretrain's Swin
    for old, new in ((VIT, dict(VIT, arch=dict(ARCH, embed_dims=32))),
                     (dict(SWIN, window_size=2),
                      dict(SWIN, arch=dict(SWIN['arch'], num_heads=[2, 2])))):
        _, checkpoint = classifier(old)
        with pytest.raises(ValueError, match='of another size'):
            initialized(new, saved(checkpoint))


def test_says_which_prefixes_there_are(saved):
    _, checkpoint = classifier(VIT)
    with pytest.raises(ValueError) as error:
        initialized(VIT, saved(checkpoint), prefix='encoder')
    assert "nothing under the prefix 'encoder.'" in str(error.value)
    assert "'backbone.' (" in str(error.value)
    assert "'head.' (2 weights)" in str(error.value)


def test_says_what_to_give_for_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        initialized(VIT, str(tmp_path / 'epoch_300.pth'))
    assert 'model.backbone.init_cfg.checkpoint=' in str(error.value)
    assert 'model.backbone.init_cfg=None' in str(error.value)


def test_refuses_what_is_no_checkpoint(saved, tmp_path):
    path = tmp_path / 'damaged.pth'
    path.write_bytes(b'damaged')
    with pytest.raises(ValueError, match='damaged.pth is damaged'):
        initialized(VIT, str(path))
    for content in ([], {}, dict(state_dict={}), dict(meta=3)):
        with pytest.raises(ValueError, match='has no weights'):
            initialized(VIT, saved(content))


@pytest.mark.parametrize('patterns', ['norm0.*', [3]])
def test_refuses_what_are_no_names(patterns):
    with pytest.raises(
            ValueError,
            match='`new` of StrictPretrained must be a list of str'):
        StrictPretrained('epoch_3.pth', new=patterns)
