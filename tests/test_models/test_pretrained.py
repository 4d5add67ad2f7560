"""The initializer: what it loads, resizes, reports and refuses."""
import logging
from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from families import CA_SWIN, FAMILIES, PVT
from helpers import ARCH, build, vit_config
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from mmmix.models import StrictPretrained
from mmpretrain.models.utils import resize_pos_embed

VIT = dict(type='mmpretrain.VisionTransformer', arch=ARCH, patch_size=8)
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


def classifier(backbone, **meta):
    """A random classifier around a backbone, and what would be saved of it."""
    cfg = vit_config()
    cfg.update(backbone=backbone)
    model = randomized(build(cfg))
    return model, dict(
        meta=dict(meta, epoch=3), state_dict=model.state_dict())


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
    model = build(backbone)
    model.init_weights()
    return model


def assert_same(model, state):
    got = model.state_dict()
    assert got.keys() == state.keys()
    for name, value in state.items():
        torch.testing.assert_close(got[name], value, rtol=0, atol=0)


@pytest.mark.parametrize('family', ['resnet', 'swin', 'pvt', 'ca_swin', 'vit'])
def test_takes_all_of_a_backbone(family, saved, log):
    backbone = dict(VIT, img_size=32) if family == 'vit' else deepcopy(
        FAMILIES[family].backbone)
    model, checkpoint = classifier(backbone)
    taken = initialized(backbone, saved(checkpoint))
    assert_same(taken, model.backbone.state_dict())
    assert 'left out: head.' in log()
    assert 'resized' not in log() and 'new' not in log()


@pytest.mark.parametrize('scope', ['mmmix', 'mmpretrain', 'mmengine', None])
def test_is_chosen_under_any_scope(scope, saved):
    model, checkpoint = classifier(dict(VIT, img_size=32))
    path = saved(checkpoint)
    with DefaultScope.overwrite_default_scope(scope):
        taken = initialized(dict(VIT, img_size=32), path)
        assert_same(taken, model.backbone.state_dict())
        with pytest.raises(ValueError, match='nothing under the prefix'):
            initialized(dict(VIT, img_size=32), path, prefix='neck')
