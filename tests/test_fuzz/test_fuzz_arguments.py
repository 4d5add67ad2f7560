"""Arguments of every registered mixer, guide, attention map, label rule,
loss, head and data set: they are refused by name, or the part works."""
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmpretrain.structures import DataSample
from strategies import (CLASSES, CLASSIFIER, COUNTED, DATA_SETS, GUIDES, HEADS,
                        LOSSES, MAPS, MIXERS, PARTS, REGISTRIES, RULES, SIZE,
                        arguments, check_mixed, fuzz, names_in, parameters,
                        refusing, some_guidance)

from mmmix.models import CutMix, MixLinearClsHead
from mmmix.registry import MODELS

N = 4


@pytest.fixture(scope='module', autouse=True)
def data(tmp_path_factory):
    """One folder with the files of every data set."""
    folder = tmp_path_factory.mktemp('fuzz')
    root = folder / 'data'
    names = 'n01440764', 'n01443537'
    for name in names:
        images = root / 'train' / name / 'images'
        images.mkdir(parents=True)
        for i in range(2):
            cv2.imwrite(
                str(images / f'{name}_{i}.JPEG'), np.zeros((16, 20, 3), 'u1'))
        (root / 'train' / name / f'{name}_boxes.txt').write_text(''.join(
            f'{name}_{i}.JPEG\t0\t0\t7\t7\n' for i in range(2)))
    (root / 'wnids.txt').write_text('\n'.join(names))
    (root / 'words.txt').write_text('n01440764\ttench\n')
    (root / 'val').mkdir()
    (root / 'val' /
     'val_annotations.txt').write_text('val_0.JPEG\tn01440764\t0\t0\t7\t7\n')
    (root / 'list.txt').write_text('a.jpg 0\nb.jpg 1\n')
    before = Path.cwd()
    os.chdir(folder)
    yield
    os.chdir(before)
    shutil.rmtree(folder)


def use_mixer(mixer):
    inputs, labels = torch.rand(N, 3, *SIZE), some_labels()
    rng, more = np.random.default_rng(0), {}
    if hasattr(mixer, 'sites'):
        more['grids'] = dict.fromkeys(mixer.sites, (2, 3))
    params = mixer.sample(rng, N, SIZE, **more)
    mixed = mixer.mix(inputs, labels, params, some_guidance())
    check_mixed(mixed, inputs, mixed.labels)


def use_guide(guide):
    words = frozenset({'attention', 'logits'}) & guide.gives
    guide.check(small_classifier(), words)
    sample = DataSample(
        label_map=torch.randn(CLASSES, 4, 4),
        crop_box=torch.tensor([0., 0.25, 1., 1.]),
        ori_shape=SIZE)
    guide(small_classifier().eval(), torch.rand(N, 3, *SIZE), words,
          some_labels(), [sample] * N)


def use_map(attention_map):
    attention_map.check(small_classifier())
    attention, _ = attention_map(small_classifier().eval(),
                                 torch.rand(N, 3, *SIZE), some_labels())
    assert attention.isfinite().all()


def some_labels(classes=CLASSES):
    return torch.eye(classes)[torch.arange(N) % classes]


def some_mixed(classes=CLASSES):
    mixer = CutMix()
    params = mixer.sample(np.random.default_rng(0), N, SIZE)
    mixed = mixer.mix(torch.rand(N, 3, *SIZE), some_labels(classes), params)
    mixed.unmixed_logits = torch.randn(N, classes)
    return mixed


def use_rule(rule):
    weights = rule(
        torch.randn(N, CLASSES), some_mixed(), some_guidance(),
        torch.rand(N, 2, 3).flatten(1).softmax(1).view(N, 2, 3))
    for weight in weights if isinstance(weights, tuple) else (weights, ):
        assert weight.isfinite().all()


def use_loss(loss):
    head = MixLinearClsHead(num_classes=CLASSES, in_channels=8)
    if hasattr(loss, 'prepare'):
        loss.prepare(head)
        value = loss(head, torch.randn(N, CLASSES), some_mixed(),
                     some_guidance(), torch.randn(N, 8, 2, 3))
    else:
        value = loss(head, torch.randn(N, CLASSES), some_mixed())
    if abs(loss.loss_weight) < 1e30:
        assert value.isfinite()


def use_head(head):
    if head.num_classes == 1:
        return  # for losses of MMPretrain (N, 1) are not soft labels
    features = torch.randn(N, head.in_channels)
    losses = head.loss((features, ), [], some_mixed(head.num_classes),
                       some_guidance(classes=head.num_classes),
                       torch.randn(N, head.in_channels, 2, 3),
                       torch.rand(N, 2, 3))
    assert all(loss.isfinite() for loss in losses.values())


def use_data_set(data_set):
    if len(data_set):
        data_set.get_data_info(0)


def small_classifier(built=[]):  # noqa: B006
    if not built:
        built.append(
            MODELS.build(
                dict(
                    CLASSIFIER,
                    type='mmmix.MixClassifier',
                    train_cfg=dict(augments=dict(type='mmmix.CutMix')))))
    return built[0].train()


USES = {
    **dict.fromkeys(MIXERS, use_mixer),
    **dict.fromkeys(GUIDES, use_guide),
    **dict.fromkeys(MAPS, use_map),
    **dict.fromkeys(RULES, use_rule),
    **dict.fromkeys(LOSSES, use_loss),
    **dict.fromkeys(HEADS, use_head),
    **dict.fromkeys(DATA_SETS, use_data_set)
}


def check(name, values):
    if 'num_images' in parameters(PARTS[name]):
        values.setdefault('num_images', 5)  # they are drawn one by one
    with refusing(names_in(dict(values, type=f'mmmix.{name}'))):
        part = REGISTRIES[name].build(dict(values, type=f'mmmix.{name}'))
        USES[name](part)


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('name', PARTS)
@fuzz(few=6, share=1.05 / len(PARTS))  # some parts have few arguments
@given(data=st.data())
def test_arguments_are_refused_by_name_or_work(name, data):
    values = data.draw(arguments(PARTS[name]))
    COUNTED['arguments'] += 1
    check(name, values)
