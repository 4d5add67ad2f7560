"""Draw images of a config's training set, mixed by its own mixers or others.

All mixers get the same pairs of images. Lambda and labels are the mixers'
own: a label rule of the head, such as TransMix's, changes them in the training
pass.
"""
import argparse
import warnings
from pathlib import Path

from mmmix.analysis import methods_of, mix_pairs, open_dataset
from mmmix.cli import add_cfg_options, load_config, user_errors
from mmmix.cli.methods import choose_mixers, with_mixers
from mmmix.cli.models import load_trained
from mmmix.errors import MmmixError
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


def main():
    args = parse_args()
    if not args.checkpoint:
        warnings.warn('No --checkpoint: the attention is that of a model '
                      'before its training.')
    with user_errors():
        cfg = load_config(args.config, args.cfg_options)
        mixers = choose_mixers(cfg, args.mixers)
        if not mixers:
            raise MmmixError('The config mixes nothing: name mixers, for '
                             'example --mixers SMMix CutMix.')
        guide = (cfg.model.get('train_cfg') or {}).get('guide')
        methods = methods_of(
            load_trained('the model', with_mixers(cfg, mixers.values(), guide),
                         args.checkpoint))
        pairs = mix_pairs(methods, open_dataset(methods[0], 'train'), args.num,
                          args.seed)
    out = Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_pairs(pairs).savefig(out, dpi=150)
    print(f'{out}: {args.num} pairs, '
          f'{", ".join(mixed.mixer for mixed in pairs.mixes)}')


if __name__ == '__main__':
    main()
