"""Draw MaskMix's strategies of choosing what is pasted, side by side.

One rectangle, blocks, and random cells at several scales (MixPro, Fig. 4), all
on the same pairs of a config's training images, and all pasting about the same
share.

example: mask_strategies.py vanilla/vit-xs_vanilla_synthetic.py \\
             --scales 1 2 4 --num 3 --out mask_strategies.png
"""
import textwrap
from pathlib import Path

from mmengine.logging import MMLogger

from mmmix.analysis import methods_of, mix_pairs, open_dataset
from mmmix.cli import add_cfg_options, load_config, user_errors
from mmmix.cli.methods import with_mixers
from mmmix.cli.models import analysis_parser, load_trained
from mmmix.errors import MmmixError
from mmmix.models import find_extractor
from mmmix.registry import MODELS
from mmmix.visualization import draw_pairs

# so that nearly the same share is drawn for all
BETA = 50.0


def strategies(patch_size, scales, beta):
    """Configs of MaskMix in each form, by its title."""
    common = dict(
        type='mmmix.MaskMix',
        patch_size=patch_size,
        beta=beta,
        per_image=True,
        mask_per_image=True)
    forms = {
        name: dict(common, strategy=name, scale=1)
        for name in ('region', 'block')
    }
    for scale in scales:
        forms[f'random, {scale}x'] = dict(common, scale=scale)
    return forms


def patch_of(cfg):
    """The side of the backbone's patches in pixels.

    Raises:
        MmmixError: If they are not square, or there are none.
    """
    backbone = MODELS.build(cfg.model.backbone)
    patch = find_extractor(backbone).patch
    if patch is None or patch[0] != patch[1]:
        raise MmmixError(
            f'The backbone {type(backbone).__name__} has no square patches: '
            'give the side of one in pixels, --patch-size.')
    return patch[0]


def parse_args():
    parser = analysis_parser(__doc__)
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
    with user_errors():
        cfg = load_config(args.config, args.cfg_options)
        forms = strategies(
            args.patch_size or patch_of(cfg), args.scales, args.beta)
        methods = methods_of(
            load_trained('the model', with_mixers(cfg, forms.values()), None))
        pairs = mix_pairs(methods, open_dataset(methods[0], 'train'), args.num,
                          args.seed)
    pairs.attention = None
    for mixed, name in zip(pairs.mixes, forms):
        mixed.mixer = name
    out = Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_pairs(pairs).savefig(out, dpi=150)
    shares = ', '.join(f'{m.mixer}: {float(m.lam.mean()):.2f}'
                       for m in pairs.mixes)
    print(
        textwrap.fill(f'{out}: {args.num} pairs, pasted on average {shares}',
                      79))


if __name__ == '__main__':
    main()
