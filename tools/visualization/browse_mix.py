r"""Draw images of a config's training set, mixed by its own mixers or others.

All mixers get the same pairs of images. Lambda and labels are the mixers'
own: a label rule of the head, such as TransMix's, changes them in the training
pass.

example, MaskMix's strategies side by side (MixPro, Fig. 4), all pasting about
one half:
    browse_mix.py vanilla/vit-xs_vanilla_1xb64-10e_synthetic.py --num 3 \
        --mixers \
        MaskMix+strategy=region+scale=1+patch_size=4+beta=50+per_image=True \
        MaskMix+strategy=block+scale=1+patch_size=4+beta=50+per_image=True \
        MaskMix+scale=2+patch_size=4+beta=50+per_image=True
"""
import warnings
from pathlib import Path

from mmmix.analysis import methods_of, mix_pairs, open_dataset
from mmmix.cli import add_cfg_options, load_config, user_errors
from mmmix.cli.methods import choose_mixers, with_mixers
from mmmix.cli.models import analysis_parser, load_trained
from mmmix.errors import MmmixError
from mmmix.visualization import draw_pairs


def parse_args():
    parser = analysis_parser(__doc__)
    parser.add_argument(
        'config', help='a file, or a config of mmmix such as smmix/NAME.py')
    parser.add_argument(
        '--checkpoint', help='weights of the model, which may be the guide')
    parser.add_argument(
        '--mixers',
        nargs='+',
        metavar='NAME',
        help="for example SMMix CutMix Mixup, each followed by +KEY=VALUE for "
        "an argument to change, such as MaskMix+scale=2; the config's own by "
        'default')
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
        warnings.warn(
            'No --checkpoint: the attention is that of a model before its '
            'training.',
            stacklevel=1)
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
    for mixed, text in zip(pairs.mixes, mixers):
        name, *options = text.split('+')
        values = ', '.join(o.partition('=')[2] for o in options)
        mixed.mixer = f'{name}\n{values}' if values else name
    out = Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_pairs(pairs).savefig(out, dpi=150, bbox_inches='tight')
    shares = ', '.join(f'{text}: {float(mixed.lam.mean()):.2f}'
                       for mixed, text in zip(pairs.mixes, mixers))
    print(f'{out}: {args.num} pairs; mean lambda of {shares}')


if __name__ == '__main__':
    main()
