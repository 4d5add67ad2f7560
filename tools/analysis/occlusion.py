r"""Top-1 accuracy when patches of the images are dropped.

At random, the most salient first, or the least salient first (TdAttenMix,
Fig. 5; MixPro, Fig. 3; the protocol of Naseer et al., 2021). At random all
checkpoints lose the same patches. What is salient is said by each checkpoint
itself, by one that is named, or by maps in files. Writes OUT.json, OUT.md and
OUT.png.

example, after tools/quickstart.sh:
    occlusion.py cutmix/vit-xxs_cutmix_1xb64-120e_synthetic-250.py \
             work_dirs/quickstart/cutmix/epoch_120.pth \
             smmix/vit-xxs_smmix_1xb64-120e_synthetic-250.py \
             work_dirs/quickstart/smmix/epoch_120.pth \
             --grid 4 4 --num-images 200 --out work_dirs/occlusion
"""
from dataclasses import asdict

import torch

from mmmix import analysis
from mmmix.analysis.model_maps import read_maps
from mmmix.cli import command_parser
from mmmix.cli.models import (add_maps, add_models, add_out, analysis_run,
                              read_map_kinds, read_model, read_models)
from mmmix.cli.settings import add_settings, read_settings
from mmmix.errors import MmmixError
from mmmix.functional import resize_mask
from mmmix.visualization import write_report
from mmmix.visualization.panels import draw_panels

FILLED = dict(
    before='before normalisation: dropped patches are black',
    after='after normalisation: dropped patches have the mean colour')


def parse_args():
    parser = command_parser(__doc__)
    add_models(parser)
    add_settings(parser, analysis.Occlusion)
    add_maps(parser, option='--map')
    parser.add_argument(
        '--saliency',
        nargs=2,
        metavar=('CONFIG', 'CHECKPOINT'),
        help='a model that says for all checkpoints what is salient; by '
        'default each says it for itself')
    parser.add_argument(
        '--map-folder',
        metavar='FOLDER',
        help='NAME.npy or NAME.png for each image NAME.*: what is salient')
    add_out(parser, 'work_dirs/occlusion')
    return parser.parse_args()


def find_saliency(models, datasets, indices, args, occlusion):
    """Maps for each model in turn, and where they come from."""
    if set(occlusion.drop) == {'random'}:
        return [None] * len(models), None
    if args.map_folder:
        maps = read_maps(args.map_folder,
                         [datasets[0].get_data_info(i) for i in indices],
                         occlusion.grid)
        return [maps] * len(models), f'the maps in {args.map_folder}'
    judges, source = models, 'each checkpoint itself'
    if args.saliency:
        judges = [read_model('saliency', *args.saliency, args.cfg_options)]
        own = [analysis.open_dataset(judges[0])]
        analysis.check_same_images([models[0], *judges], [datasets[0], *own])
        datasets = own
        source = args.saliency[1]
    kind, = read_map_kinds(args, judges)
    if args.saliency and kind.requires_labels:
        analysis.check_classes(judges[0], datasets[0])
    maps = [
        torch.cat([
            resize_mask(
                kind.of_samples(judge.model, inputs, samples),
                occlusion.grid).cpu() for inputs, samples in analysis.batches(
                    judge, dataset, indices, args.batch_size,
                    f'{judge.name}: saliency')
        ]) for judge, dataset in zip(judges, datasets)
    ]
    return maps * (len(models) // len(maps)), f'{kind.kind} of {source}'


def notes_of(args, num_images, source):
    """What a reader of the numbers must know."""
    rows, columns = args.grid
    notes = [
        f'Top-1 accuracy in percent on {num_images} images, by the share that '
        f'is lost, and its mean over these shares, also less that of '
        f'{args.drop[0]} patches, image by image. One standard error of a '
        f'single accuracy is at most {50 / num_images**.5:.1f} points; all '
        'of them are in the JSON. '
        f'The patch grid is {rows} x {columns}, of which '
        'floor(ratio x patches) are dropped. Zeros are set '
        f'{FILLED[args.fill]}.'
    ]
    if 'random' in args.drop:
        notes.append('Random patches are drawn for each image from the seeds '
                     f'{", ".join(map(str, args.seeds))}, the same for all '
                     'checkpoints.')
    if source:
        notes.append(f'What is salient is said by {source}.')
        if args.by == 'mass':
            notes.append(
                'The salient and non-salient ratios are shares of the '
                "saliency's mass, not of the patches; the JSON holds the "
                'share of the patches as "dropped".')
    return notes


def main():
    args = parse_args()
    with analysis_run(args):
        if args.map_folder and args.saliency:
            raise MmmixError('--map-folder and --saliency both say what is '
                             'salient: give one of them.')
        occlusion = read_settings(args, analysis.Occlusion)
        models = read_models(args)
        datasets = [analysis.open_dataset(trained) for trained in models]
        analysis.check_same_images(models, datasets)
        for trained, dataset in zip(models, datasets):
            analysis.check_classes(trained, dataset)
        indices = analysis.choose_images(datasets[0], args.num_images)
        maps, source = find_saliency(models, datasets, indices, args,
                                     occlusion)
        curves = {
            trained.name:
            analysis.accuracy_under_occlusion(trained, dataset, indices,
                                              occlusion, saliency,
                                              args.batch_size)
            for trained, dataset, saliency in zip(models, datasets, maps)
        }
    panels = {
        f'{kind} patches dropped': {
            name: kinds[kind]['top1']
            for name, kinds in curves.items()
        }
        for kind in occlusion.drop
    }
    write_report(
        args.out, 'Occlusion', [
            'checkpoint', 'dropped', *(f'{r:.0%}' for r in args.ratios),
            'mean', 'std. error', f'to {occlusion.drop[0]}', 'std. error'
        ], [(name, kind, *own[kind]['top1'],
             *(own[kind][key] for key in ('mean', 'mean_error', 'difference',
                                          'difference_error')))
            for kind in occlusion.drop for name, own in curves.items()],
        dict(
            asdict(occlusion),
            images=len(indices),
            saliency=source,
            curves=curves),
        draw_panels(panels, args.ratios, 'share lost', 'top-1 accuracy (%)'),
        notes_of(args, len(indices), source))


if __name__ == '__main__':
    main()
