r"""Draw where models look: a contact sheet of class activation maps.

Pairs of images that all checkpoints classify correctly, unmixed and mixed, and
what each checkpoint looks at for the label of the source and of the target
(SMMix, Fig. 5b and c; TdAttenMix, Fig. 6; MixPro, Fig. 6).

example, after tools/quickstart.sh:
    class_activation.py cutmix/vit-xxs_cutmix_1xb64-120e_synthetic-250.py \
             work_dirs/quickstart/cutmix/epoch_120.pth \
             smmix/vit-xxs_smmix_1xb64-120e_synthetic-250.py \
             work_dirs/quickstart/smmix/epoch_120.pth \
             --method CutMix --num 4 --out work_dirs/class_activation
"""
from mmmix import analysis
from mmmix.analysis.where_models_look import (choose_pairs, correct_images,
                                              look_at_pair)
from mmmix.cli import command_parser
from mmmix.cli.methods import add_guided, guided_methods
from mmmix.cli.models import (add_maps, add_models, add_out, add_split,
                              analysis_run, read_map_kinds, read_models)
from mmmix.errors import MmmixError
from mmmix.visualization import write_report
from mmmix.visualization.contact_sheet import draw_sheet

COLUMNS = ('pair', 'source', 'target', 'lambda', 'checkpoint',
           'p(source) unmixed', 'p(target) unmixed', 'p(source) mixed',
           'p(target) mixed')


def parse_args():
    parser = command_parser(__doc__)
    add_models(parser)
    add_guided(parser, '--method', default='CutMix')
    add_maps(parser, 'GradCAM', '--map')
    parser.add_argument(
        '--num', type=int, default=4, help='pairs (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0)
    add_split(parser)
    add_out(parser, 'work_dirs/class_activation')
    return parser.parse_args()


def read_method(args):
    """The one method of --method."""
    methods = guided_methods([args.method], args.guide or args.pairs[:2],
                             args.cfg_options)
    if len(methods) > 1:
        raise MmmixError(
            f'--method must be one mixer, but {args.method} has '
            f'{len(methods)} ({", ".join(one.name for one in methods)}): give '
            'a config with one, or the name of a mixer.')
    return methods[0]


def main():
    args = parse_args()
    with analysis_run(args):
        if args.num < 1:
            raise MmmixError(f'--num must be at least 1, not {args.num}.')
        models = read_models(args)
        maps, = read_map_kinds(args, models)
        method = read_method(args)
        analysis.methods.check_images([method])
        datasets = [
            analysis.open_dataset(trained, args.split) for trained in models
        ]
        analysis.check_same_images(models, datasets)
        dataset = datasets[0]
        analysis.check_alike([*models, method], dataset)
        images, labels, accuracy = correct_images(
            models, dataset, analysis.choose_images(dataset, args.num_images),
            args.batch_size)
        chosen = choose_pairs(images, labels, args.num, args.seed)
        looked = [
            look_at_pair(models, maps, method, dataset, pair,
                         (args.seed, number))
            for number, pair in enumerate(chosen)
        ]
    rows = [(number, *row) for number, (_, table) in enumerate(looked, 1)
            for row in table]
    each = ', '.join(f'{name} {p:.1f} %' for name, p in accuracy.items())
    notes = [
        f'Maps: {maps.kind}; mixed by {method.name}, guided by '
        f'{method.guided_by}. Chosen with seed {args.seed} among the '
        f'{len(images)} images that all models classify correctly; top-1 '
        f'accuracy: {each}.'
    ]
    if len(chosen) < args.num:
        notes.append(f'{args.num} pairs were asked for, and {len(chosen)} '
                     'could be made of them.')
    write_report(
        args.out,
        'Where the models look',
        COLUMNS,
        rows,
        dict(
            images=[dict(target=t, source=s) for t, s in chosen],
            accuracy=accuracy,
            map=maps.kind),
        figure=draw_sheet([sheet for sheet, _ in looked],
                          [trained.name for trained in models]),
        notes=notes)


if __name__ == '__main__':
    main()
