"""Compare the speed of mixers with other libraries', and check what these do.

Mixup, CutMix, ResizeMix, FMix, SaliencyMix and PuzzleMix of timm, torchvision,
Kornia, MMPretrain and the package `mixup`, where they have them, each beside
that of mmmix. What is not installed is left out; the extra `peers` installs
it.

What is compared: images in memory and numbers of classes go in, mixed images
and soft labels come out, so that one-hot labels, random numbers and, for
SaliencyMix and PuzzleMix, each library's own saliency of the pixels are timed
with the rest. Afterwards the images must be as they were, as a guide or a loss
on the unmixed images needs them: a mixer that writes into the images that it
is given gets a copy, and the making of this copy counts. What such a mixer
takes without it, where nobody needs the images any more, is the column `in
place`.

Lambda is drawn from a Beta distribution so narrow that it is 1/2, as boxes of
all sizes would make the times scatter; boxes that are clipped at the border
are smaller, see `mean share`. ResizeMix keeps 0.1 to 0.9 of the image where
that can be set, PuzzleMix has cells of 16 pixels, Kornia's lambda is the
corrected one; the other arguments are the defaults. What the package `mixup`
calls PuzzleMix takes the cells whose saliency differs most, without the
minimum cut and the transport of the paper.

All mixers of one kind run one after the other in every repeat, and each time
is divided by that of `images.clone()` in the same repeat; the medians of these
ratios are reported. Peak memory is what torch held at most during one mix,
beside the images.

The second table is found by mixing images whose pixels say from which one they
come, with lambda from Beta(1, 1): whether the label weighs the images by their
share of the pixels, to a pixel; who shares a region or a lambda; what becomes
of an odd batch and of oblong images.
"""
import torch
from mmengine.runner import set_random_seed

from mmmix.analysis.mixing_facts import ODD, RECTANGLE, mixing_facts, verdict
from mmmix.analysis.peer_costs import draw_costs, measure_costs, rivals
from mmmix.analysis.peers import (HALF, LIBRARIES, METHODS, OURS,
                                  installed_version, mixers_of)
from mmmix.analysis.training_cost import environment
from mmmix.cli import command_parser
from mmmix.cli.models import add_out, analysis_run
from mmmix.errors import MmmixError
from mmmix.progress import track
from mmmix.visualization import markdown_table, write_report

NUM_CLASSES = 1000
COSTS = ('method', 'drawn for each', 'library', 'time, x clone',
         'time, x fastest', 'in place, x clone', 'peak memory, x batch', 'ms')
FACTS = ('method', 'library', 'lambda is the share', 'drawn for each',
         f'batch of {ODD}', '{} x {} pixels'.format(*RECTANGLE),
         'leaves its images', 'mean share')


def parse_args():
    parser = command_parser(__doc__)
    peers = [library for library in LIBRARIES if library != OURS]
    parser.add_argument(
        '--peers',
        nargs='+',
        choices=peers,
        default=peers,
        metavar='LIBRARY',
        help=f'beside mmmix: {", ".join(peers)} (default: all)')
    parser.add_argument(
        '--methods',
        nargs='+',
        choices=METHODS,
        default=METHODS,
        metavar='METHOD',
        help=f'{", ".join(METHODS)} (default: all)')
    parser.add_argument(
        '--batch', type=int, default=128, help='images (default: %(default)s)')
    parser.add_argument(
        '--size',
        type=int,
        nargs='+',
        default=[224],
        metavar='PIXELS',
        help='height and width of the images (default: 224)')
    parser.add_argument(
        '--repeats', type=int, default=20, help='default: %(default)s')
    parser.add_argument('--device', default='cpu', help='default: %(default)s')
    add_out(parser)
    args = parser.parse_args()
    args.size = (args.size * 2)[:2]
    return args


def main():
    args = parse_args()
    device = torch.device(args.device)
    with analysis_run(args):
        if min(args.batch, args.repeats) < 1 or min(args.size) < 32:
            raise MmmixError('--batch and --repeats must be at least 1, '
                             '--size at least 32 pixels.')
        set_random_seed(0)
        versions = {name: installed_version(name) for name in args.peers}
        facts = {
            kind: {
                mixer.name: mixing_facts(mixer.mix, half.mix)
                for mixer, half in zip(group, halves)
            }
            for (kind, group), halves in zip(
                track([*chosen(args, versions, ODD).items()], 'checking',
                      'kinds'),
                chosen(args, versions, ODD, HALF).values())
        }
        costs = {
            kind:
            measure_costs(group, args.batch, args.size, NUM_CLASSES,
                          args.repeats, device)
            for kind, group in chosen(args, versions, NUM_CLASSES,
                                      HALF).items()
        }
    report(args, environment(device), versions, costs, facts)


def chosen(args, versions, *arguments):
    """The mixers of the installed libraries, by what they are compared in."""
    libraries = [OURS, *(name for name in versions if versions[name])]
    return rivals([
        mixer for library in libraries
        for mixer in mixers_of(library, *arguments)
        if mixer.method in args.methods
    ])


def report(args, machine, versions, costs, facts):
    """Print what was measured, and write it if that was asked for."""
    missing = [name for name in versions if not versions[name]]
    made_with = ', '.join(
        f'{name} {version}' for name, version in (versions | machine).items()
        if version and name != 'MMPretrain')  # it is part of the machine
    _, libraries, *rules = (' '.join(paragraph.split())
                            for paragraph in __doc__.split('\n\n'))
    if missing:
        libraries += f' Left out here: {", ".join(missing)}.'
    write_report(
        args.out,
        'Mixing beside other libraries',
        COSTS, [(*kind, name, one['times_clone'], one['times_fastest'],
                 one.get('times_clone_in_place'), one['peak_times_batch'],
                 round(one['ms'])) for kind, group in costs.items()
                for name, one in group.items()],
        dict(
            environment=machine,
            versions=versions,
            settings=vars(args),
            costs=by_name(costs),
            facts=by_name(facts)),
        draw_costs(costs),
        notes=[
            f'Batch {args.batch}, images of {args.size[0]} x {args.size[1]} '
            f'pixels, float32, {NUM_CLASSES} classes, {args.repeats} repeats; '
            f'{made_with}.', libraries, *rules,
            markdown_table(
                FACTS,
                [(kind[0], name, verdict(one['labels']), one['shared_by'],
                  verdict(one['odd']), verdict(one['rectangle']),
                  'yes' if one['keeps_images'] else 'no', one['mean_share'])
                 for kind, group in facts.items()
                 for name, one in group.items()])
        ])


def by_name(kinds):
    """Keys as JSON has them."""
    return {', '.join(kind): group for kind, group in kinds.items()}


if __name__ == '__main__':
    main()
