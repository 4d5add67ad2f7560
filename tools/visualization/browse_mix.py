r"""Draw images of a config's data set, mixed by its own mixers or others.

All mixers get the same pairs of images. Lambda and labels are the mixers'
own, unless a config is named as a mixer: a label rule of the head, such as
TransMix's, changes them in the training pass.

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
from mmmix.cli import (add_cfg_options, add_config, command_parser,
                       load_config, user_errors)
from mmmix.cli.methods import choose_mixers, with_mixers, with_mixing_of
from mmmix.cli.models import add_split, choose_names, load_trained
from mmmix.errors import MmmixError
from mmmix.visualization import draw_pairs


def parse_args():
    parser = command_parser(__doc__)
    add_config(parser)
    parser.add_argument(
        '--checkpoint', help='weights of the model, which may be the guide')
    parser.add_argument(
        '--mixers',
        nargs='+',
        metavar='NAME',
        help="for example SMMix CutMix Mixup, each followed by +KEY=VALUE for "
        "an argument to change, such as MaskMix+scale=2; or a config, such as "
        'tdattenmix/NAME.py, of which the first mixer, the label rule and the '
        "attention map are taken; by default the config's own mixers")
    parser.add_argument(
        '--names', nargs='+', metavar='NAME', help='what to call each of them')
    parser.add_argument(
        '--num', type=int, default=6, help='number of pairs (default: 6)')
    add_split(parser, 'train')
    parser.add_argument(
        '--out',
        default='mixed_images.png',
        help='the picture (default: mixed_images.png)')
    parser.add_argument(
        '--no-masks', action='store_true', help='leave out the masks')
    parser.add_argument(
        '--seed', type=int, default=0, help='another one draws other images')
    add_cfg_options(parser)
    return parser.parse_args()


def choose_methods(cfg, texts, checkpoint):
    """The methods that `--mixers` names, by what it says."""
    configs = [
        text for text in texts or () if text.split('+')[0].endswith('.py')
    ]
    mixers = [text for text in texts or () if text not in configs]
    found = {}
    if mixers or not texts:
        mixers = choose_mixers(cfg, mixers)
        if not mixers:
            raise MmmixError('The config mixes nothing: name mixers, for '
                             'example --mixers SMMix CutMix.')
        guide = (cfg.model.get('train_cfg') or {}).get('guide')
        model = load_trained('the model',
                             with_mixers(cfg, mixers.values(), guide),
                             checkpoint)
        found.update(zip(mixers, methods_of(model)))
    for text in configs:
        found[text] = methods_of(
            load_trained('the model', with_mixing_of(text, cfg),
                         checkpoint))[0]
    return {text: found[text] for text in texts or found}


def title(text):
    """A mixer's name, and below it the values that were changed."""
    name, *options = text.split('+')
    values = ', '.join(option.partition('=')[2] for option in options)
    return f'{Path(name).stem}\n{values}' if values else Path(name).stem


def main():
    args = parse_args()
    if not args.checkpoint:
        warnings.warn(
            'No --checkpoint: the attention is that of a model before its '
            'training.',
            stacklevel=1)
    with user_errors():
        cfg = load_config(args.config, args.cfg_options)
        found = choose_methods(cfg, args.mixers, args.checkpoint)
        names = choose_names(args.names, [*map(title, found)])
        methods = [*found.values()]
        pairs = mix_pairs(methods, open_dataset(methods[0], args.split),
                          args.num, args.seed)
    for mixed, name in zip(pairs.mixes, names):
        mixed.mixer = name
    out = Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_pairs(pairs, not args.no_masks).savefig(
        out, dpi=150, bbox_inches='tight')
    shares = ', '.join(f'{text}: {float(mixed.lam.mean()):.2f}'
                       for mixed, text in zip(pairs.mixes, found))
    print(f'{out}: {args.num} pairs; mean lambda of {shares}')


if __name__ == '__main__':
    main()
