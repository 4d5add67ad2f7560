"""The order of the channels that a network sees."""
from mmengine.config import Config

CHANNELS = ('rgb', 'bgr')


def seen_channels(cfg: Config) -> str:
    """The order of the channels that the network of a config sees.

    ``to_rgb`` does not tell it: that says what a data preprocessor does to
    the order of its loader. Image files are loaded as BGR, data sets that
    hold their images, such as CIFAR, hold RGB.

    Args:
        cfg (Config): A classification config. ``channels`` in its data
            preprocessor is returned. Without it, files that are loaded and
            not turned are BGR, as MMPretrain's RegNet and MobileViT see
            them, and everything else is RGB.

    >>> seen_channels(Config(dict(data_preprocessor=dict(to_rgb=True))))
    'rgb'
    """
    preprocessor = (
        cfg.get('model', {}).get('data_preprocessor')
        or cfg.get('data_preprocessor') or {})
    loads_files = any('LoadImage' in str(cfg.get(f'{split}_dataloader'))
                      for split in ('train', 'val', 'test'))
    turned = preprocessor.get('to_rgb', False)
    return preprocessor.get('channels',
                            'bgr' if loads_files and not turned else 'rgb')
