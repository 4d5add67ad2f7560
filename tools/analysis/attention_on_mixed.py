"""How much of the attention falls on what was pasted into an image.

For each checkpoint, method of mixing and kind of map: the share of the
attention mass on the pasted region, beside the region's share of the area, and
the attention on each part over its area; 1 is attention without aim (SMMix,
Section 5.4). All checkpoints are shown the same mixed images, and maps that
depend on a label are made for the source's and for the target's.

example, after tools/quickstart.sh:
    attention_on_mixed.py cutmix/vit-xs_cutmix_1xb64-10e_synthetic.py \\
             work_dirs/quickstart/cutmix/epoch_10.pth \\
             smmix/vit-xs_smmix_1xb64-10e_synthetic.py \\
             work_dirs/quickstart/smmix/epoch_10.pth \\
             --methods CutMix SMMix --maps BottomUp --num-images 100 \\
             --out work_dirs/attention_on_mixed
"""
import argparse

import torch
from matplotlib.figure import Figure
from mmengine.logging import MMLogger

from mmmix.analysis.attention_shares import AttentionShares
from mmmix.analysis.maps import MAP_KINDS, LookingMaps
from mmmix.analysis.methods import check_alike, draw_pairs, guided_methods
from mmmix.analysis.trained_model import (
    SPLITS,
    add_subjects,
    choose_images,
    open_dataset,
    read_subjects,
)
from mmmix.cli.launch import short_errors
from mmmix.errors import MmmixError
from mmmix.visualization import markdown_table, write_report
from mmmix.visualization.figure import SOURCE, TARGET

COLUMNS = ('checkpoint', 'mixed by', 'map', 'label of', 'pairs', 'area',
           'attention', 'excess', 'std. error', 'pasted', 'visible')
NOTE = ('Shares of the pasted region in percent, means over pairs of '
        'different classes; "excess" is attention less area, a batch the unit '
        'of its standard error; "pasted" and "visible" are the attention on '
        'each part over its area: 1 is attention without aim.')


def labels_to_look_for(maps, pairs):
    """The labels that a map is made for, by whose they are."""
    if not maps.requires_labels:
        return {'': None}
    return dict(source=pairs.labels[pairs.source], target=pairs.labels)


def measure(subjects, methods, kinds, dataset, indices, args):
    """The shares by names of checkpoint, method, map and label; and how many
    pairs were left out because both images have one class."""
    found, same_class = {}, 0
    for pairs in draw_pairs(subjects[0], dataset, indices, args.batch_size,
                            args.rounds, args.seed):
        same_class += int((~pairs.valid).sum())
        for method in methods:
            mixed = method.mix(pairs)
            for maps in kinds:
                for whose, labels in labels_to_look_for(maps, pairs).items():
                    for subject in subjects:
                        key = (subject.name, method.name, maps.kind, whose)
                        found.setdefault(key, AttentionShares()).add(
                            maps(subject.model, mixed.inputs, labels), mixed,
                            pairs.valid, pairs.key[1])
    return found, same_class


def draw(results, methods):
    """A panel for each method: attention over area of both parts."""
    keys = list(dict.fromkeys((k[0], *k[2:]) for k in results))
    figure = Figure(
        figsize=(2.2 + 2.6 * len(methods), 1.1 + .24 * len(keys)),
        layout='constrained')
    panels = figure.subplots(
        1, len(methods), sharex=True, sharey=True, squeeze=False)[0]
    for axis, method in zip(panels, methods):
        for row, (name, *rest) in enumerate(keys):
            own = results[(name, method.name, *rest)]
            axis.plot([own['pasted'], own['visible']], [row, row],
                      color='.75',
                      linewidth=1,
                      zorder=1)
            for part, colour, marker in (('pasted', SOURCE, 'o'),
                                         ('visible', TARGET, 's')):
                axis.plot(
                    own[part],
                    row,
                    marker,
                    color=colour,
                    ms=5,
                    label=None if row else part)
        axis.axvline(1, color='black', linewidth=.8, linestyle=':')
        axis.set_title(f'mixed by\n{method.name}', fontsize=9)
        axis.grid(axis='x', alpha=.3)
        axis.set_xlabel('attention / area')
    labels = [
        f'{name}: {kind}{whose and ", y of " + whose}'
        for name, kind, whose in keys
    ]
    panels[0].set_yticks(range(len(keys)), labels, fontsize=8)
    panels[0].invert_yaxis()
    panels[0].legend(fontsize=8)
    return figure


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add_subjects(parser)
    parser.set_defaults(batch_size=25)
    parser.add_argument(
        '--methods',
        nargs='+',
        default=['CutMix'],
        metavar='METHOD',
        help='who mixes: names of mixers, such as CutMix or MaskMix+scale=1, '
        'or configs, such as smmix/NAME.py (default: CutMix)')
    parser.add_argument(
        '--guide',
        nargs=2,
        metavar=('CONFIG', 'CHECKPOINT'),
        help='the model that shows the mixers where to look; by default the '
        'first pair')
    parser.add_argument(
        '--maps',
        nargs='+',
        choices=MAP_KINDS,
        default=['BottomUp'],
        metavar='KIND',
        help='attention (BottomUp, ClassAttention, TopDown) or class '
        'activation (GradCAM and others of its library); default: BottomUp')
    parser.add_argument(
        '--rounds',
        type=int,
        default=1,
        help='how often each image is a target, with other partners and '
        'regions each time (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--split', choices=SPLITS, default='val', help='default: %(default)s')
    parser.add_argument(
        '--out',
        help='write OUT.json, OUT.md and OUT.png; by default the table is '
        'only printed')
    return parser.parse_args()


def main():
    args = parse_args()
    MMLogger.get_current_instance().setLevel('ERROR')
    torch.manual_seed(args.seed)
    with short_errors(ValueError, ModuleNotFoundError):
        subjects = read_subjects(args)
        kinds = [LookingMaps(kind) for kind in args.maps]
        for subject in subjects:
            for maps in kinds:
                maps.check(subject.model)
        methods = guided_methods(args.methods, args.guide or args.pairs[:2],
                                 args.cfg_options)
        for method in methods:
            if not method.mixer.regions:
                raise MmmixError(
                    f'{method.name} blends images, so there is no pasted '
                    'region: choose a method that cuts and pastes.')
        dataset = open_dataset(subjects[0], args.split)
        check_alike([*subjects, *methods], dataset)
        indices = choose_images(dataset, args.num_images)
        found, same_class = measure(subjects, methods, kinds, dataset, indices,
                                    args)
        results = {key: shares.summary() for key, shares in found.items()}
        if not any(own['pairs'] for own in results.values()):
            raise MmmixError(
                f'None of {len(indices)} pairs shows parts of two images of '
                'different classes that a map has mass on.')
    rows = [(*key, own['pairs'], *(own[name] for name in COLUMNS[5:8]),
             own['error'], own['pasted'], own['visible'])
            for key, own in results.items()]
    left_out = {
        what: sum(own[what] for own in results.values())
        for what in ('one_part', 'no_mass')
    }
    notes = [
        NOTE, f'{len(indices)} images, {args.rounds} rounds, batches of '
        f'{args.batch_size}, seed {args.seed}; guide: '
        f'{methods[0].checkpoint}. {same_class} pairs of one class were left '
        f'out of every row; over all rows, {left_out["one_part"]} because '
        f'nothing or all was pasted, {left_out["no_mass"]} because the map is '
        'zero everywhere.'
    ]
    if not args.out:
        print(markdown_table(COLUMNS, rows), *notes, sep='\n')
        return
    names = ('checkpoint', 'method', 'map', 'label')
    write_report(
        args.out,
        'Attention on mixed images',
        COLUMNS,
        rows,
        dict(
            same_class=same_class,
            results=[
                dict(zip(names, key), **own) for key, own in results.items()
            ]),
        figure=draw(results, methods),
        notes=notes)


if __name__ == '__main__':
    main()
