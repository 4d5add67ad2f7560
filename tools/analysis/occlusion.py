"""Top-1 accuracy when patches of the images are dropped.

At random, the most salient first, or the least salient first (TdAttenMix,
Fig. 5; MixPro, Fig. 3; the protocol of Naseer et al., 2021). At random all
checkpoints lose the same patches. What is salient is said by each checkpoint
itself, by one that is named, or by maps in files. Writes OUT.json, OUT.md and
OUT.png.

example, after tools/quickstart.sh:
    occlusion.py cutmix/vit-xs_cutmix_1xb64-10e_synthetic.py \\
             work_dirs/quickstart/cutmix/epoch_10.pth \\
             smmix/vit-xs_smmix_1xb64-10e_synthetic.py \\
             work_dirs/quickstart/smmix/epoch_10.pth \\
             --grid 8 8 --num-images 200 --out work_dirs/occlusion
"""
import argparse

import torch
from mmengine.logging import MMLogger

from mmmix.analysis.attention_maps import (
    attention_maps,
    image_paths,
    read_maps,
)
from mmmix.analysis.occlusion import (
    DROPPING,
    FILLS,
    hits_under_occlusion,
    random_order,
    salient_patches,
    zero_pixels,
)
from mmmix.analysis.patch_dropping import patches_to_drop
from mmmix.analysis.trained_model import (
    add_subjects,
    batches,
    check_same_images,
    choose_images,
    labels_of,
    open_dataset,
    read_subject,
    read_subjects,
)
from mmmix.cli.launch import short_errors
from mmmix.errors import MmmixError
from mmmix.functional import resize_mask
from mmmix.registry import TASK_UTILS
from mmmix.visualization import write_report
from mmmix.visualization.panels import draw_panels

VIEWS = ('BottomUp', 'ClassAttention', 'TopDown')


def view_saliency(subject, view, dataset, indices, args):
    """Maps ``(N, *grid)`` of what a subject looks at."""
    return torch.cat([
        resize_mask(
            attention_maps(subject.model, view, inputs, samples),
            args.grid).cpu()
        for inputs, samples in batches(subject, dataset, indices, args.
                                       batch_size, f'{subject.name}: saliency')
    ])


def lost_patches(kind, ratio, orders, saliency, by_mass):
    """The patches that are lost: a list of ``(N, h, w)``, one for each draw.
    """
    if kind == 'random':
        return [
            patches_to_drop(ratio, order.flatten(1)).view_as(order)
            for order in orders
        ]
    return [salient_patches(saliency, kind, ratio, by_mass)]


@torch.no_grad()
def occlude(subject, dataset, indices, saliency, args):
    """Accuracy in percent and share of patches dropped, a value for each
    ratio, by the kind of dropping."""
    hits = {kind: [] for kind in args.drop}
    shares = {kind: [] for kind in args.drop}
    fill = zero_pixels(subject.model.data_preprocessor, args.fill)
    start = 0
    for inputs, samples in batches(subject, dataset, indices, args.batch_size):
        rows = slice(start, start + len(inputs))
        start += len(inputs)
        orders = [
            random_order(indices[rows], args.grid[0] * args.grid[1],
                         seed).unflatten(1, args.grid) for seed in args.seeds
        ]
        of_these = None if saliency is None else saliency[rows]
        labels = labels_of(samples)
        for kind in args.drop:
            lost = [
                lost_patches(kind, ratio, orders, of_these, args.by == 'mass')
                for ratio in args.ratios
            ]
            hits[kind].append(
                torch.stack([
                    hits_under_occlusion(subject.model, inputs, labels, masks,
                                         fill).float().mean(0)
                    for masks in lost
                ]))
            shares[kind].append(
                torch.stack([
                    torch.stack(masks).float().mean((0, 2, 3))
                    for masks in lost
                ]))
    return {
        kind:
        dict(
            top1=(100 * torch.cat(hits[kind], 1).mean(1)).tolist(),
            dropped=torch.cat(shares[kind], 1).mean(1).tolist())
        for kind in args.drop
    }


def find_saliency(subjects, datasets, indices, args):
    """Maps for each subject in turn, and where they come from."""
    if not {'salient', 'non-salient'} & set(args.drop):
        return [None] * len(subjects), None
    if args.maps:
        paths = image_paths([datasets[0].get_data_info(i) for i in indices])
        maps = read_maps(args.maps, paths, args.grid)
        return [maps] * len(subjects), f'the maps in {args.maps}'
    view = TASK_UTILS.build(dict(type=f'mmmix.{args.view}'))
    if args.saliency:
        judge = read_subject('saliency', *args.saliency, args.cfg_options)
        view.check(judge.model)
        dataset = open_dataset(judge)
        check_same_images([subjects[0], judge], [datasets[0], dataset])
        maps = view_saliency(judge, view, dataset, indices, args)
        return [maps] * len(subjects), (
            f'the view {args.view} of {args.saliency[1]}')
    for subject in subjects:
        view.check(subject.model)
    return [
        view_saliency(subject, view, dataset, indices, args)
        for subject, dataset in zip(subjects, datasets)
    ], f'the view {args.view} of each checkpoint itself'


def notes_of(args, num_images, source):
    """What a reader of the numbers must know."""
    rows, columns = args.grid
    fill = dict(
        before='before normalisation: dropped patches are black',
        after='after normalisation: dropped patches have the mean colour')
    notes = [
        f'Top-1 accuracy in percent on {num_images} images, by the share that '
        f'is lost; one standard error is at most {50 / num_images**.5:.1f} '
        f'points. The patch grid is {rows} x {columns}, of which '
        'floor(ratio x patches) are dropped. Zeros are set '
        f'{fill[args.fill]}.'
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


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add_subjects(parser)
    parser.add_argument(
        '--grid',
        nargs=2,
        type=int,
        default=(14, 14),
        metavar=('H', 'W'),
        help='patches down and across, whose sides divide those of the '
        'images; default: 14 14, as in the papers')
    parser.add_argument(
        '--ratios',
        nargs='+',
        type=float,
        default=[i / 10 for i in range(10)],
        help='shares that are lost, default: 0 0.1 ... 0.9')
    parser.add_argument(
        '--drop',
        nargs='+',
        choices=DROPPING,
        default=DROPPING,
        help='which patches first, default: all three')
    parser.add_argument(
        '--fill',
        choices=FILLS,
        default='before',
        help='zeros are set before normalisation (black, as in the public '
        'code of Naseer et al., the default) or after (the mean colour)')
    parser.add_argument(
        '--by',
        choices=('patches', 'mass'),
        default='patches',
        help='a salient or non-salient ratio is a share of the number of '
        "patches (the default) or of the saliency (Naseer et al.'s code)")
    parser.add_argument(
        '--seeds',
        nargs='+',
        type=int,
        default=[0],
        help='of the random patches; of several the mean is shown, default: 0')
    parser.add_argument(
        '--view',
        choices=VIEWS,
        default='BottomUp',
        help='how a model says what is salient: SMMix, Eq. 6 (the default), '
        'MixPro, Eq. 4, or TdAttenMix, Eq. 3-5, for the true label')
    parser.add_argument(
        '--saliency',
        nargs=2,
        metavar=('CONFIG', 'CHECKPOINT'),
        help='a model that says for all checkpoints what is salient; by '
        'default each says it for itself')
    parser.add_argument(
        '--maps',
        metavar='FOLDER',
        help='NAME.npy or NAME.png for each image NAME.*: what is salient')
    parser.add_argument(
        '--out', default='work_dirs/occlusion', help='default: %(default)s')
    return parser.parse_args()


def check_args(args):
    """Raise a ValueError for arguments that make no sense."""
    if args.maps and args.saliency:
        raise MmmixError('--maps and --saliency both say what is salient: '
                         'give one of them.')
    if min(args.grid) < 1:
        raise MmmixError('--grid must be two positive numbers, not '
                         f'{args.grid[0]} {args.grid[1]}.')
    if min(args.seeds) < 0:
        raise MmmixError('--seeds must not be negative.')
    bad = [ratio for ratio in args.ratios if not 0 <= ratio <= 1]
    if bad:
        raise MmmixError(f'--ratios must be between 0 and 1, not {bad[0]:g}.')


def main():
    args = parse_args()
    args.grid, args.drop = tuple(args.grid), list(dict.fromkeys(args.drop))
    MMLogger.get_current_instance().setLevel('ERROR')
    with short_errors(ValueError):
        check_args(args)
        subjects = read_subjects(args)
        datasets = [open_dataset(subject) for subject in subjects]
        check_same_images(subjects, datasets)
        indices = choose_images(datasets[0], args.num_images)
        maps, source = find_saliency(subjects, datasets, indices, args)
        curves = {
            subject.name: occlude(subject, dataset, indices, saliency, args)
            for subject, dataset, saliency in zip(subjects, datasets, maps)
        }
    panels = {
        f'{kind} patches dropped': {
            name: kinds[kind]['top1']
            for name, kinds in curves.items()
        }
        for kind in args.drop
    }
    write_report(
        args.out, 'Occlusion',
        ['checkpoint', 'dropped', *(f'{r:.0%}' for r in args.ratios), 'mean'],
        [(name, kind, *kinds[kind]['top1'],
          sum(kinds[kind]['top1']) / len(args.ratios)) for kind in args.drop
         for name, kinds in curves.items()],
        dict(
            ratios=args.ratios,
            grid=args.grid,
            fill=args.fill,
            by=args.by,
            seeds=args.seeds,
            images=len(indices),
            saliency=source,
            curves=curves),
        draw_panels(panels, args.ratios, 'share lost', 'top-1 accuracy (%)'),
        notes_of(args, len(indices), source))


if __name__ == '__main__':
    main()
