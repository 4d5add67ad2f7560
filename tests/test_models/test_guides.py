"""What a guide answers, and that asking it leaves no trace."""
import copy

import pytest
import torch
from helpers import (ARCH, BOTH_LOSSES, SMMIX, batch, build, dense_attention,
                     train_losses, vit_config)
from mmengine.config import Config
from mmmix.models import find_extractor
from mmmix.models.guides.base import evaluating

SMMIX_FULL = dict(augments=[SMMIX], mix_losses=BOTH_LOSSES)


@pytest.mark.parametrize('size', [(32, 32), (32, 48)])
def test_attention_of_the_last_block(size):
    model = build(vit_config(img_size=size)).eval()
    inputs = torch.rand(3, 3, *size)
    extractor = find_extractor(model.backbone)
    with torch.no_grad(), extractor.watch(size) as read_attention:
        model.backbone(inputs)
    attention = read_attention()
    assert attention.shape == (3, size[0] // 8, size[1] // 8)
    with torch.no_grad():
        expected = dense_attention(model.backbone, inputs)
    torch.testing.assert_close(attention.flatten(1), expected)


def test_the_guide_sees_the_unmixed_images_in_eval_mode():
    model = build(
        vit_config(
            **SMMIX_FULL, backbone=dict(drop_path_rate=0.5, drop_rate=0.5)))
    data = batch()
    _, answer = train_losses(model, dict(data))
    inputs = torch.stack(data['inputs'])
    model.eval()
    with torch.no_grad():
        torch.testing.assert_close(answer['guidance'].logits, model(inputs))
        torch.testing.assert_close(
            answer['guidance'].attention.flatten(1),
            dense_attention(model.backbone, inputs))


def test_the_guide_leaves_no_trace():
    """No gradient, no batch-norm statistic, no changed flag, no hook."""
    model = build(vit_config(**SMMIX_FULL))
    model.backbone.pre_norm = torch.nn.BatchNorm1d(17)
    model.train()
    model.backbone.layers[0].eval()  # as a frozen stage
    flags = {name: m.training for name, m in model.named_modules()}
    assert len(set(flags.values())) == 2
    state = copy.deepcopy(model.state_dict())
    hooks = [len(m._forward_hooks) for m in model.modules()]

    data = model.data_preprocessor(batch(), training=True)

    assert {name: m.training for name, m in model.named_modules()} == flags
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert all(p.grad is None for p in model.parameters())
    assert [len(m._forward_hooks) for m in model.modules()] == hooks
    for tensor in (data['inputs'], data['guidance'].attention,
                   data['guidance'].logits):
        assert not tensor.requires_grad


def test_flags_are_put_back_after_an_error():
    model = build(vit_config()).train()
    with pytest.raises(RuntimeError), evaluating(model):
        assert not any(m.training for m in model.modules())
        raise RuntimeError
    assert all(m.training for m in model.modules())


def frozen_guide(tmp_path, **cfg):
    """A stock classifier on disk, and the guide that reads it."""
    teacher_cfg = vit_config(**cfg)
    teacher_cfg['type'] = 'mmpretrain.ImageClassifier'
    teacher_cfg['backbone']['out_type'] = 'cls_token'
    teacher_cfg['head'].update(type='mmpretrain.VisionTransformerClsHead')
    teacher_cfg['head'].pop('mix_losses')
    teacher = build(teacher_cfg).eval()
    torch.save(teacher.state_dict(), tmp_path / 'teacher.pth')
    Config(dict(
        model=teacher_cfg,
        default_scope='mmpretrain')).dump(str(tmp_path / 'teacher.py'))
    return teacher, dict(
        type='FrozenGuide',
        config=str(tmp_path / 'teacher.py'),
        checkpoint=str(tmp_path / 'teacher.pth'))


def test_frozen_guide_is_the_pretrained_model(tmp_path):
    teacher, guide = frozen_guide(tmp_path)
    model = build(vit_config(**SMMIX_FULL, guide=guide))
    data = batch()
    _, answer = train_losses(model, dict(data))
    with torch.no_grad():
        torch.testing.assert_close(answer['guidance'].logits,
                                   teacher(torch.stack(data['inputs'])))
    # it is no part of the student
    student = build(vit_config(**SMMIX_FULL))
    assert model.state_dict().keys() == student.state_dict().keys()
    # and a copy of the student shares it
    copied = copy.deepcopy(model)
    assert (copied.data_preprocessor.guide.model is
            model.data_preprocessor.guide.model)


def test_frozen_guide_that_cannot_serve_is_refused(tmp_path):
    _, guide = frozen_guide(tmp_path)
    with pytest.raises(FileNotFoundError, match='nowhere.pth'):
        build(vit_config([SMMIX], guide=dict(guide, checkpoint='nowhere.pth')))
    with pytest.raises(FileNotFoundError, match='nowhere.py'):
        build(vit_config([SMMIX], guide=dict(guide, config='nowhere.py')))
    with pytest.warns(UserWarning, match='RANDOM'):
        build(vit_config([SMMIX], guide=dict(guide, checkpoint=None)))
    with pytest.raises(ValueError, match='mean'):
        build(
            vit_config([SMMIX],
                       guide=guide,
                       data_preprocessor=dict(mean=[1.] * 3, std=[2.] * 3)))
    with pytest.raises(ValueError, match='to_rgb'):
        build(
            vit_config([SMMIX],
                       guide=guide,
                       data_preprocessor=dict(to_rgb=True)))
    with pytest.raises(ValueError, match='scores 5 classes .* 4'):
        build(
            vit_config(
                **SMMIX_FULL, guide=guide, head=dict(num_classes=4)))
    # attention alone does not care for classes
    build(vit_config([SMMIX], guide=guide, head=dict(num_classes=4)))
    (tmp_path / 'other').mkdir()
    _, other = frozen_guide(
        tmp_path / 'other', backbone=dict(arch=dict(ARCH, num_layers=3)))
    with pytest.raises(ValueError, match='does not hold the weights'):
        build(
            vit_config([SMMIX],
                       guide=dict(guide, checkpoint=other['checkpoint'])))


def test_a_copy_guides_itself():
    """The moving average is a deep copy; it must not be bound to the
    original."""
    model = build(vit_config([SMMIX]))
    copied = copy.deepcopy(model)
    assert copied.data_preprocessor.guide.model is copied
    assert model.data_preprocessor.guide.model is model


def test_a_whole_model_can_be_saved(tmp_path):
    model = build(vit_config([SMMIX]))
    torch.save(model, tmp_path / 'model.pt')
    loaded = torch.load(tmp_path / 'model.pt', weights_only=False)
    assert loaded.data_preprocessor.guide.model is loaded


def test_average_guide_says_which_hooks_it_needs():
    model = build(vit_config([SMMIX], guide=dict(type='EMAGuide')))
    with pytest.raises(ValueError, match='EMAGuideHook'):
        train_losses(model)
    average = copy.deepcopy(model)
    with torch.no_grad():
        average.backbone.layers[-1].attn.qkv.weight.mul_(3)
    model.data_preprocessor.guide.bind_average(average)
    data = batch()
    _, answer = train_losses(model, dict(data))
    with torch.no_grad():
        torch.testing.assert_close(
            answer['guidance'].attention.flatten(1),
            dense_attention(average.backbone, torch.stack(data['inputs'])))


def test_backbone_without_attention_is_refused_at_build_time():
    cfg = vit_config([SMMIX])
    cfg['backbone'] = dict(type='mmpretrain.ResNet', depth=18)
    cfg['neck'] = dict(type='mmpretrain.GlobalAveragePooling')
    cfg['head'].update(type='mmmix.MixLinearClsHead', in_channels=512)
    with pytest.raises(ValueError, match='ResNet.*There are ViTAttention'):
        build(cfg)
    # unguided mixing needs none
    cfg['train_cfg']['augments'] = [dict(type='mmmix.CutMix', alpha=1.)]
    losses, _ = train_losses(build(cfg))
    assert set(losses) == {'loss_cls'}


def test_a_relative_with_another_attention_is_not_taken_for_a_vit():
    cfg = vit_config([SMMIX])
    cfg['backbone'] = dict(
        type='mmpretrain.BEiTViT', arch='base', img_size=32, patch_size=8)
    with pytest.raises(ValueError, match='BEiTViT'):
        build(cfg)
