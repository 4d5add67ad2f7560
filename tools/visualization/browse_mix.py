"""Draw images of a config's training set, mixed by its own mixers or others.

All mixers get the same pairs of images. Lambda and labels are the mixers'
own: a label rule of the head, such as TransMix's, changes them in the training
pass.
"""
import argparse
import warnings
from pathlib import Path

import mmmix  # noqa: F401
from mmmix.analysis.mixed_pairs import mix_pairs
from mmmix.checkpoint import load_weights
from mmmix.cli.launch import (
    add_cfg_options,
    build_model,
    load_config,
    short_errors,
)
from mmmix.cli.mixers import config_mixers, default_mixer
from mmmix.errors import MmmixError
from mmmix.models import BatchMixer
from mmmix.registry import BATCH_AUGMENTS, DATASETS
from mmmix.visualization import draw_pairs


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'config', help='a file, or a config of mmmix such as smmix/NAME.py')
    parser.add_argument(
        '--checkpoint', help='weights of the model, which may be the guide')
    parser.add_argument(
        '--mixers',
        nargs='+',
        metavar='NAME',
        help="for example SMMix CutMix Mixup; the config's own by default")
    parser.add_argument(
        '--num', type=int, default=6, help='number of pairs (default: 6)')
    parser.add_argument(
        '--out',
        default='mixed_images.png',
        help='the picture (default: mixed_images.png)')
    parser.add_argument(
        '--seed', type=int, default=0, help='another one draws other images')
    add_cfg_options(parser)
    return parser.parse_args()


def choose_mixers(cfg, names=None):
    """Build mixers by name, as the config has them where it does; without
    names, all of the config."""
    own = config_mixers(cfg)
    if not (names or own):
        raise MmmixError('The config mixes nothing: name what shall, for '
                         'example --mixers SMMix CutMix.')
    mixers = [
        BATCH_AUGMENTS.build(own.get(name) or default_mixer(name))
        for name in names or own
    ]
    for mixer in mixers:
        if not isinstance(mixer, BatchMixer):
            raise MmmixError(
                f'{type(mixer).__module__}.{type(mixer).__name__} does not '
                'say what it mixed: use the one of mmmix.')
    return mixers


def main():
    args = parse_args()
    with short_errors(ValueError):
        cfg = load_config(args.config, args.cfg_options)
        model = build_model(cfg)
        if args.checkpoint:
            load_weights(model, args.checkpoint)
        else:
            warnings.warn('No --checkpoint: the attention is that of a model '
                          'before its training.')
        pairs = mix_pairs(model, DATASETS.build(cfg.train_dataloader.dataset),
                          choose_mixers(cfg, args.mixers), args.num, args.seed)
    out = Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_pairs(pairs).savefig(out, dpi=150)
    print(f'{out}: {args.num} pairs, '
          f'{", ".join(mixed.mixer for mixed in pairs.mixes)}')


if __name__ == '__main__':
    main()
