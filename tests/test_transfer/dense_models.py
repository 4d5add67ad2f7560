"""Small UperNets and Mask R-CNNs on the backbone of a small classifier.

They need mmcv's compiled ops: only tests that are marked so build them.
"""
import torch
from helpers import vit_config
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope

from mmmix.registry import MODELS

PIXELS = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])


def random_classifier(backbone):
    """A classifier in which nothing is zero or one by chance of its birth."""
    cfg = vit_config(backbone={}, data_preprocessor=dict(PIXELS, to_rgb=True))
    cfg['backbone'] = backbone
    model = MODELS.build(cfg)
    for parameter in model.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def from_checkpoint(path, **init_cfg):
    return dict(
        type='Pretrained',
        _scope_='mmmix',
        checkpoint=str(path),
        prefix='backbone.',
        **init_cfg)


def build_dense(kind, backbone, channels):
    """An initialized model around a backbone.

    Args:
        kind (str): 'upernet' or 'mask-rcnn'.
        backbone (dict): Its config.
        channels (Sequence[int]): Of its maps.
    """
    if kind == 'upernet':
        from mmseg.utils import register_all_modules
        cfg, scope = _upernet(channels), 'mmseg'
    else:
        from mmdet.utils import register_all_modules
        cfg, scope = _mask_rcnn(channels), 'mmdet'
    register_all_modules(init_default_scope=False)
    with DefaultScope.overwrite_default_scope(scope):
        model = MODELS.build(ConfigDict(cfg, backbone=backbone))
        model.init_weights()
    return model.eval()


def _upernet(channels):
    return dict(
        type='mmseg.EncoderDecoder',
        data_preprocessor=dict(
            type='SegDataPreProcessor', bgr_to_rgb=True, **PIXELS),
        decode_head=dict(
            type='UPerHead',
            in_channels=channels,
            in_index=list(range(len(channels))),
            channels=8,
            num_classes=3))


def _mask_rcnn(channels):
    cfg = Config.fromstring(
        "_base_ = 'mmdet::_base_/models/mask-rcnn_r50_fpn.py'", '.py').model
    cfg.type = 'mmdet.MaskRCNN'
    cfg.neck.in_channels = channels
    cfg.roi_head.bbox_head.fc_out_channels = 8
    return cfg
