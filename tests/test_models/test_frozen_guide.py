"""A pretrained classifier guides: its weights, normalisation, classes."""
import copy
import pickle

import pytest
import torch
from helpers import (ARCH, BOTH_LOSSES, SMMIX, batch, build, cnn_config, mix,
                     train_losses, vit_config)
from mmengine.config import Config
from mmpretrain.structures import DataSample

SMMIX_FULL = dict(augments=[SMMIX], mix_losses=BOTH_LOSSES)
TOP_DOWN = dict(type='mmmix.TopDown')


def frozen_guide(folder, cfg=vit_config, **options):
    """A stock classifier on disk, and the guide that reads it."""
    teacher_cfg = cfg(**options)
    head = teacher_cfg['head']
    head['type'] = head['type'].replace('mmmix.Mix', 'mmpretrain.')
    head.pop('mix_losses')
    teacher_cfg['type'] = 'mmpretrain.ImageClassifier'
    if cfg is vit_config:
        teacher_cfg['backbone']['out_type'] = 'cls_token'
    teacher = build(teacher_cfg).eval()
    torch.save(teacher.state_dict(), folder / 'teacher.pth')
    Config(dict(model=teacher_cfg,
                default_scope='mmpretrain')).dump(str(folder / 'teacher.py'))
    return teacher, dict(
        type='FrozenGuide',
        config=str(folder / 'teacher.py'),
        checkpoint=str(folder / 'teacher.pth'))


def network_of(model, word='attention'):
    """The network that a guide of a model asks."""
    return model.data_preprocessor.guides[word].network(model)


def test_it_is_the_pretrained_model(tmp_path):
    teacher, guide = frozen_guide(tmp_path)
    model = build(vit_config(**SMMIX_FULL, guide=guide))
    data = batch()
    _, step = train_losses(model, dict(data))
    with torch.no_grad():
        torch.testing.assert_close(step['guidance'].logits,
                                   teacher(torch.stack(data['inputs'])))
    # it is not part of the student
    student = build(vit_config(**SMMIX_FULL))
    assert model.state_dict().keys() == student.state_dict().keys()
    # and a copy of the student shares it
    copied = copy.deepcopy(model)
    assert network_of(copied) is network_of(model)
    # which is saved with the whole model
    loaded = pickle.loads(pickle.dumps(model))
    with torch.no_grad():
        torch.testing.assert_close(
            network_of(loaded)(data['inputs'][0][None]),
            teacher(data['inputs'][0][None]))


@pytest.mark.parametrize('as_config', [dict, Config])
def test_the_config_may_be_given_in_place(tmp_path, as_config):
    teacher, guide = frozen_guide(tmp_path)
    config = Config.fromfile(guide['config'])
    guide['config'] = config if as_config is Config else dict(config)
    model = build(vit_config([SMMIX], guide=guide))
    for name, value in teacher.state_dict().items():
        assert torch.equal(network_of(model).state_dict()[name], value)


def test_what_cannot_guide_is_refused(tmp_path):
    _, guide = frozen_guide(tmp_path)
    with pytest.raises(FileNotFoundError, match='nowhere.pth'):
        build(vit_config([SMMIX], guide=dict(guide, checkpoint='nowhere.pth')))
    with pytest.raises(FileNotFoundError, match='nowhere.py'):
        build(vit_config([SMMIX], guide=dict(guide, config='nowhere.py')))
    with pytest.raises(ValueError, match=r"as `model`, but has \['models'\]"):
        build(vit_config([SMMIX], guide=dict(guide, config=dict(models=1))))
    timm = dict(model=dict(type='TimmClassifier', model_name='resnet18'))
    with pytest.raises(ValueError, match='with a `backbone`.*TIMMBackbone'):
        build(vit_config([SMMIX], guide=dict(guide, config=timm)))
    with pytest.warns(UserWarning, match='RANDOM.*Give it `checkpoint`'):
        build(vit_config([SMMIX], guide=dict(guide, checkpoint=None)))
    (tmp_path / 'other').mkdir()
    _, other = frozen_guide(
        tmp_path / 'other', backbone=dict(arch=dict(ARCH, num_layers=3)))
    with pytest.raises(ValueError, match='does not hold the weights'):
        build(
            vit_config([SMMIX],
                       guide=dict(guide, checkpoint=other['checkpoint'])))


def test_other_classes_are_refused_only_where_classes_are_required(tmp_path):
    _, guide = frozen_guide(tmp_path)
    four = dict(head=dict(num_classes=4))
    message = '5 classes and the model under training 4'
    with pytest.raises(ValueError, match=message):
        build(vit_config(**SMMIX_FULL, guide=guide, **four))
    with pytest.raises(ValueError, match=message):
        build(
            vit_config([SMMIX],
                       guide=dict(guide, attention_map=TOP_DOWN),
                       **four))
    build(vit_config([SMMIX], guide=guide, **four))
    # also where it gives only the attention
    pair = dict(attention=guide, logits=dict(type='SelfGuide'))
    build(vit_config(**SMMIX_FULL, guide=pair, **four))
    pair = dict(attention=pair['logits'], logits=guide)
    with pytest.raises(ValueError, match=message):
        build(vit_config(**SMMIX_FULL, guide=pair, **four))


def test_it_may_give_only_the_attention(tmp_path):
    """A CNN says where, the model under training says what."""
    teacher, guide = frozen_guide(tmp_path, cnn_config)
    model = build(
        vit_config(
            **SMMIX_FULL,
            guide=dict(attention=guide, logits=dict(type='SelfGuide'))))
    data = batch()
    _, step = train_losses(model, dict(data))
    inputs = torch.stack(data['inputs'])
    with torch.no_grad():
        torch.testing.assert_close(step['guidance'].attention,
                                   teacher.backbone(inputs)[-1].abs().mean(1))
    copied = copy.deepcopy(model)
    assert network_of(copied) is network_of(model)
    assert network_of(copied, 'logits') is copied


def photographs():
    """Images as they are stored, and their labels."""
    return dict(
        inputs=[torch.randint(256, (3, 32, 32)).byte() for _ in range(4)],
        data_samples=[DataSample().set_gt_label(i) for i in range(4)])


PREPROCESSORS = dict(
    none=dict(),
    imagenet=dict(mean=[123.7, 116.3, 103.5], std=[58.4, 57.1, 57.4]),
    bgr=dict(mean=[100., 120., 140.], std=[50., 60., 70.], channels='bgr'))


@pytest.mark.parametrize('stored', ['rgb', 'bgr'])
@pytest.mark.parametrize('ours', PREPROCESSORS)
@pytest.mark.parametrize('theirs', PREPROCESSORS)
def test_it_sees_images_as_its_own_preprocessor_shows_them(
        tmp_path, ours, theirs, stored):
    """In its order of channels, whatever the flags of both say."""
    own = dict(PREPROCESSORS[theirs])
    channels = own.pop('channels', 'rgb')
    teacher, guide = frozen_guide(
        tmp_path, data_preprocessor=dict(own, to_rgb=channels == 'rgb'))
    student = PREPROCESSORS[ours]
    model = build(
        vit_config(
            **SMMIX_FULL,
            guide=dict(guide, attention_map=TOP_DOWN, channels=channels),
            data_preprocessor=dict(
                student, to_rgb=stored != student.get('channels', 'rgb'))))
    data = photographs()  # in BGR, as files are loaded
    seen = teacher.data_preprocessor(copy.deepcopy(data))['inputs']
    if stored == 'rgb':
        data['inputs'] = [image.flip(0) for image in data['inputs']]
    step = mix(model, data)
    with torch.no_grad():
        torch.testing.assert_close(
            step['guidance'].logits, teacher(seen), rtol=1e-3, atol=1e-3)


def test_without_a_preprocessor_it_sees_images_as_the_student_does(tmp_path):
    teacher, guide = frozen_guide(tmp_path)
    model = build(
        vit_config(
            **SMMIX_FULL,
            guide=guide,
            data_preprocessor=dict(PREPROCESSORS['imagenet'])))
    data = photographs()
    step = mix(model, copy.deepcopy(data))
    seen = model.data_preprocessor(data)['inputs']
    with torch.no_grad():
        torch.testing.assert_close(step['guidance'].logits, teacher(seen))


def test_normalisation_beside_the_model_counts_too(tmp_path):
    """As MMPretrain's configs have it."""
    teacher, guide = frozen_guide(tmp_path)
    guide['config'] = dict(
        model=Config.fromfile(guide['config']).model,
        data_preprocessor=dict(mean=[100., 120., 140.], std=[50., 60., 70.]))
    model = build(
        vit_config(
            **SMMIX_FULL,
            guide=guide,
            data_preprocessor=dict(PREPROCESSORS['imagenet'])))
    data = photographs()
    step = mix(model, copy.deepcopy(data))
    mean, std = (
        torch.tensor(values).view(3, 1, 1)
        for values in ([100., 120., 140.], [50., 60., 70.]))
    seen = (torch.stack(data['inputs']).float() - mean) / std
    with torch.no_grad():
        torch.testing.assert_close(
            step['guidance'].logits, teacher(seen), rtol=1e-3, atol=1e-3)


def test_small_images_are_enlarged_for_it(tmp_path):
    teacher, guide = frozen_guide(tmp_path, cnn_config)
    model = build(vit_config([SMMIX], guide=dict(guide, input_size=(64, 48))))
    data = batch()
    _, step = train_losses(model, dict(data))
    shown = torch.nn.functional.interpolate(
        torch.stack(data['inputs']), (64, 48), mode='bilinear')
    with torch.no_grad():
        expected = teacher.backbone(shown)[-1].abs().mean(1)
    assert expected.shape == (6, 8, 6)
    torch.testing.assert_close(step['guidance'].attention, expected)


def test_a_bare_extractor_has_no_logits(tmp_path):
    _, guide = frozen_guide(tmp_path, cnn_config)
    cfg = Config.fromfile(guide['config']).model
    cfg.pop('head')
    cfg.pop('neck')
    bare = dict(type='FrozenGuide', config=dict(model=cfg))
    with pytest.warns(UserWarning, match='RANDOM'):
        model = build(vit_config([SMMIX], guide=bare))
    _, step = train_losses(model)
    assert step['guidance'].attention.shape == (6, 4, 4)
    looking = dict(bare, attention_map=TOP_DOWN)
    for options, message in ((dict(mix_losses=BOTH_LOSSES), 'None classes'),
                             (dict(guide=looking), 'LinearClsHead')):
        with pytest.raises(ValueError, match=message), pytest.warns():
            build(vit_config([SMMIX], **dict(dict(guide=bare), **options)))
