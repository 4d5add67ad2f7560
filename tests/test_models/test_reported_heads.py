"""Heads and losses that do not fit: reported cases B032, B033, B037, B051 and
others of their kind. Each is refused when the model is built, in one line."""
import pytest
import torch
from helpers import (BOTH_LOSSES, NUM_CLASSES, SMMIX, build, cnn_config,
                     train_losses, vit_config)
from mmpretrain.structures import DataSample

from mmmix.analysis.trained_model import labels_of
from mmmix.errors import MmmixError

SIGMOID = dict(type='CrossEntropyLoss', use_sigmoid=True)
FINE = dict(fine=dict(type='mmmix.FineGrainedLoss'))
CONSISTENCY = dict(consistency=dict(type='mmmix.ConsistencyLoss'))
PAL = dict(type='mmmix.ProgressiveAttentionLabel')


def head_with(loss, **kwargs):
    return vit_config([SMMIX],
                      kwargs.pop('mix_losses', {}),
                      head=dict(loss=loss, **kwargs))


@pytest.mark.parametrize('case,loss,parts,named', [
    ('B032', SIGMOID, dict(mix_losses=BOTH_LOSSES), 'mix_losses.fine=None'),
    ('B032, consistency', SIGMOID, dict(mix_losses=CONSISTENCY),
     'mix_losses.consistency=None'),
    ('B032, asymmetric', dict(type='AsymmetricLoss'), dict(mix_losses=FINE),
     'mix_losses.fine=None'),
    ('B032, focal', dict(type='FocalLoss'), dict(mix_losses=FINE),
     'mix_losses.fine=None'),
    ('B032, smoothed',
     dict(type='LabelSmoothLoss', label_smooth_val=.1,
          mode='multi_label'), dict(mix_losses=FINE), 'mix_losses.fine=None'),
    ('B032, PAL', SIGMOID, dict(label_rule=PAL), 'label_rule=None'),
])
def test_a_part_that_assumes_one_class_is_refused(case, loss, parts, named):
    with pytest.raises(
            MmmixError, match=f'one class.*{loss["type"]}.*sigmoid.*{named}'):
        build(head_with(loss, **parts))


@pytest.mark.parametrize('rule', [
    None,
    dict(type='mmmix.TransMixLabel'),
    dict(PAL, progress='equal'),
    dict(type='mmmix.AreaAttentionLabel')
])
@pytest.mark.parametrize('loss', [SIGMOID, dict(type='AsymmetricLoss')])
def test_several_classes_train_with_the_other_parts(loss, rule):
    losses, _ = train_losses(build(head_with(loss, label_rule=rule)))
    assert torch.isfinite(losses['loss_cls'])


def test_images_of_several_classes_are_refused_in_an_analysis():
    """B033."""
    samples = [DataSample().set_gt_label(label) for label in (1, [0, 2])]
    with pytest.raises(MmmixError, match=r'one class .*\[0, 2\]'):
        labels_of(samples)
    assert labels_of(samples[:1] * 2).tolist() == [1, 1]


@pytest.mark.parametrize('case,loss', [
    ('B037', dict(use_soft=True, class_weight=[1., 5.])),
    ('B037, hard labels', dict(class_weight=[1.] * (NUM_CLASSES + 1))),
    ('B037, positive weights', dict(use_sigmoid=True, pos_weight=[1., 5.])),
    ('B037, smoothed',
     dict(type='LabelSmoothLoss', label_smooth_val=.1, class_weight=[1.])),
])
@pytest.mark.parametrize('config', [vit_config, cnn_config])
def test_as_many_weights_as_classes(case, loss, config):
    loss = dict(dict(type='CrossEntropyLoss'), **loss)
    with pytest.raises(MmmixError, match=f'numbers.*{NUM_CLASSES} classes'):
        build(config(head=dict(loss=loss)))
    for name in ('class_weight', 'pos_weight'):
        if name in loss:
            loss[name] = [1.] * NUM_CLASSES
    build(config(head=dict(loss=loss)))


@pytest.mark.parametrize('out_type', ['raw', 'cls_token'])
def test_channels_of_another_backbone(out_type):
    """B051."""
    cfg = vit_config(head=dict(in_channels=40))
    cfg['backbone']['out_type'] = out_type
    with pytest.raises(MmmixError, match='in_channels=40.*in_channels='):
        build(cfg)
