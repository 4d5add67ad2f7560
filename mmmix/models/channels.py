"""How a network sees the channels of images: their order and normalisation.

``to_rgb`` does not tell the order: that says what a data preprocessor does to
the order of its loader.
"""
from typing import Any, Tuple

from mmengine.config import Config
from torch import Tensor, nn

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


def normalisation(preprocessor: nn.Module,
                  images: Tensor) -> Tuple[Tensor, Tensor]:
    """Mean and standard deviation that a data preprocessor normalises images
    ``(N, C, H, W)`` by, ``(C, 1, 1)`` each in their dtype; 0 and 1 where it
    does not."""
    if getattr(preprocessor, 'mean', None) is None:
        ones = images.new_ones(images.size(1), 1, 1)
        return 0 * ones, ones
    mean, std = (
        getattr(preprocessor, name).to(images) for name in ('mean', 'std'))
    return mean, std
