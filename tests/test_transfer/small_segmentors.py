"""The segmentation configs, and small models of their kind."""
from copy import deepcopy
from functools import lru_cache

import pytest
import torch
from config_zoo import ROOT, load, on_meta
from mmengine.registry import DefaultScope
from mmengine.runner.utils import set_random_seed

from mmmix.cli import replace_sync_bn
from mmmix.cli.toolboxes import register_toolboxes
from mmmix.registry import MODELS

CONFIGS = sorted((ROOT / 'configs/downstream/segmentation').glob('*.py'))
every_config = pytest.mark.parametrize(
    'path',
    CONFIGS,
    ids=lambda path: path.stem.split('_8x')[0].split('_4x')[0])
SIZE = (64, 96)
LAST_OF_VIT = 3

# What makes a backbone small, and the channels of its maps
VIT = dict(
    arch=dict(
        embed_dims=24,
        num_layers=LAST_OF_VIT + 1,
        num_heads=2,
        feedforward_channels=48))
SWIN = dict(
    arch=dict(embed_dims=8, depths=[1, 1, 2, 2], num_heads=[1, 1, 2, 2]),
    window_size=4)
PVT = dict(
    arch=dict(
        embed_dims=(8, 8, 16, 16),
        depths=(1, 1, 1, 2),
        num_heads=(1, 1, 2, 2),
        mlp_ratios=(2, 2, 2, 2),
        sr_ratios=(8, 4, 2, 1)))
SMALL = {
    'mmpretrain.VisionTransformer': (VIT, [24, 24, 24, 24]),
    'mmpretrain.SwinTransformer': (SWIN, [8, 16, 32, 64]),
    'mmmix.CASwin': (SWIN, [8, 16, 32, 64]),
    'mmmix.PyramidVisionTransformer': (PVT, [8, 8, 16, 16]),
    'ResNetV1c': (dict(depth=18, stem_channels=8,
                       base_channels=8), [8, 16, 32, 64]),
}


def shrink(cfg):
    """A small model of the same kind that starts from random weights and
    needs no GPU, in place."""
    model = cfg.model
    backbone = model.backbone
    changes, channels = SMALL[backbone.type]
    backbone.update(deepcopy(changes))
    if backbone.type == 'mmpretrain.VisionTransformer':
        # four layers, or the last one
        count = len(backbone.out_indices)
        backbone.out_indices = list(range(LAST_OF_VIT + 1))[-count:]
        backbone.img_size = SIZE
    if 'drop_path_rate' in backbone:
        # of a batch of two, both may be dropped
        backbone.drop_path_rate = 0.
    backbone.init_cfg = None
    model.data_preprocessor.size = SIZE

    if model.get('neck') is not None:
        model.neck.update(in_channels=channels, out_channels=16)
        channels = [16] * 4
    for head in (model.decode_head, model.get('auxiliary_head')):
        if head is not None:
            several = isinstance(head.in_channels, (list, tuple))
            head.in_channels = channels if several else channels[head.get(
                'in_index', -1)]
            # without convolutions a head has the channels of its input
            head.channels = head.in_channels if head.get(
                'num_convs') == 0 else 16
    head = model.decode_head
    if 'embed_dims' in head:
        head.update(embed_dims=24, num_heads=2)
    if 'c1_in_channels' in head:
        head.update(c1_in_channels=channels[0], c1_channels=8)
    if model.test_cfg.mode == 'slide':
        model.test_cfg.update(crop_size=SIZE, stride=(48, 64))
    replace_sync_bn(cfg._cfg_dict)
    return cfg


def build(cfg):
    """The initialised segmentor of a config."""
    register_toolboxes(cfg)
    with DefaultScope.overwrite_default_scope('mmseg'):
        set_random_seed(0)
        model = MODELS.build(cfg.model)
        model.init_weights()
    return model


@lru_cache(maxsize=None)
def full_width(path):
    """The segmentor of a config, on the meta device, for evaluation."""
    cfg = load(path)
    register_toolboxes(cfg)
    with DefaultScope.overwrite_default_scope('mmseg'), on_meta():
        return MODELS.build(cfg.model).eval()


def images(num_classes, shapes, ori_shape=None):
    """What a loader gives: images with labels of all classes and of none.

    Args:
        num_classes (int): Of the data set.
        shapes (list[tuple[int, int]]): Height and width of each image.
        ori_shape (tuple[int, int], optional): Those of its file, if another.
    """
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample
    data = dict(inputs=[], data_samples=[])
    for shape in shapes:
        labels = torch.randint(0, num_classes, (1, *(ori_shape or shape)))
        labels[..., 0] = 255
        data['inputs'].append(
            torch.randint(0, 256, (3, *shape), dtype=torch.uint8))
        data['data_samples'].append(
            SegDataSample(
                gt_sem_seg=PixelData(data=labels),
                metainfo=dict(
                    img_shape=shape,
                    ori_shape=ori_shape or shape,
                    img_path='image.jpg')))
    return data
