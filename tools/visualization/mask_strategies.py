"""Draw MaskMix's strategies of choosing what is pasted, side by side.

One rectangle, blocks, and random cells at several scales (MixPro, Fig. 4), all
on the same pairs of a config's training images, and all pasting about the same
share.

example: mask_strategies.py vanilla/vit-xs_vanilla_1xb64-10e_synthetic.py \\
             --scales 1 2 4 --num 3 --out mask_strategies.png
"""
import argparse
import textwrap
from pathlib import Path

from mmengine.logging import MMLogger

from mmmix.analysis.mixed_pairs import mix_pairs
from mmmix.cli.launch import (
    add_cfg_options,
    build_model,
    load_config,
    short_errors,
)
from mmmix.errors import MmmixError
from mmmix.models import MaskMix, find_extractor
from mmmix.registry import DATASETS
from mmmix.visualization import draw_pairs

# so that nearly the same share is drawn for all
BETA = 50.0


def strategies(patch_size, scales, beta):
    """MaskMix in each form, by its title."""
    common = dict(
        patch_size=patch_size, beta=beta, per_image=True, mask_per_image=True)
    forms = {
        'region': MaskMix(strategy='region', scale=1, **common),
        'block': MaskMix(strategy='block', scale=1, **common)
    }
    for scale in scales:
        forms[f'random, {scale}x'] = MaskMix(scale=scale, **common)
    return forms


def patch_of(model, given):
    """The side of a patch in pixels.

    Raises:
        ValueError: If the backbone has no square patches and none is given.
    """
    patch = (given, given) if given else find_extractor(model.backbone).patch
    if patch is None or patch[0] != patch[1]:
        raise MmmixError(
            f'The backbone {type(model.backbone).__name__} has no square '
            'patches: give the side of one in pixels, --patch-size.')
    return patch[0]


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'config',
        help='a file, or a config of mmmix: its training images, '
        'and the patches of its backbone')
    parser.add_argument(
        '--scales',
        nargs='+',
        type=int,
        default=[1, 2, 4],
        help='sides of a random cell, in patches (default: 1 2 4)')
    parser.add_argument(
        '--patch-size', type=int, help="in pixels; by default the backbone's")
    parser.add_argument(
        '--beta',
        type=float,
        default=BETA,
        help='tau ~ Beta(beta, beta), the share that is pasted; the paper '
        'trains with 1 (default: %(default)s, nearly one half)')
    parser.add_argument(
        '--num',
        type=int,
        default=4,
        help='number of pairs, at least 2 '
        '(default: %(default)s)')
    parser.add_argument(
        '--seed', type=int, default=0, help='another one draws other images')
    parser.add_argument(
        '--out',
        default='mask_strategies.png',
        help='the picture (default: %(default)s)')
    add_cfg_options(parser)
    return parser.parse_args()


def main():
    args = parse_args()
    MMLogger.get_current_instance().setLevel('ERROR')
    with short_errors(ValueError):
        cfg = load_config(args.config, args.cfg_options)
        cfg.model.train_cfg = None  # nobody is asked where to look
        model = build_model(cfg).eval()
        forms = strategies(
            patch_of(model, args.patch_size), args.scales, args.beta)
        pairs = mix_pairs(model, DATASETS.build(cfg.train_dataloader.dataset),
                          list(forms.values()), args.num, args.seed)
    pairs.attention = None
    for mixed, name in zip(pairs.mixes, forms):
        mixed.mixer = name
    out = Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_pairs(pairs).savefig(out, dpi=150)
    shares = ', '.join(f'{m.mixer}: {float(m.lam.mean()):.2f}'
                       for m in pairs.mixes)
    print(
        textwrap.fill(
            f'{out}: {args.num} pairs, pasted on average '
            f'{shares}', 79))


if __name__ == '__main__':
    main()
