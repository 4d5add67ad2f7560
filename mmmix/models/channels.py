"""The order of the channels that a network sees.

``to_rgb`` does not tell it: that says what a data preprocessor does to the
order of its loader.
"""
from typing import Any

from mmengine.config import Config

CHANNELS = ('rgb', 'bgr')


def stored_channels(pipeline: Any) -> str:
    """The order that a data pipeline gives: image files are loaded as BGR,
    data sets that hold their images, such as CIFAR, hold RGB.

    >>> stored_channels([dict(type='LoadImageFromFile')])
    'bgr'
    """
    return 'bgr' if 'LoadImage' in str(pipeline) else 'rgb'


def seen_channels(cfg: Config) -> str:
    """The order that the network of a config was trained to see.

    Args:
        cfg (Config): A classification config. What its data preprocessor says
            by ``channels`` is returned. Without it, files that are loaded and
            not turned are BGR, as MMPretrain's RegNet and MobileViT see
            them, and everything else is RGB.

    >>> seen_channels(Config(dict(data_preprocessor=dict(to_rgb=True))))
    'rgb'
    """
    preprocessor = (
        cfg.get('model', {}).get('data_preprocessor')
        or cfg.get('data_preprocessor') or {})
    turned = preprocessor.get('to_rgb', False)
    loader = cfg.get('train_dataloader') or cfg.get('test_dataloader')
    return preprocessor.get('channels',
                            'rgb' if turned else stored_channels(loader))
