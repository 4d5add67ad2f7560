r"""Accuracy, calibration and detection away from the training distribution.

For each checkpoint and set of images: top-1 accuracy, root mean square
calibration error and AURRA (area under the response rate accuracy curve); for
images of foreign classes the area under the precision-recall curve (AUPR) of
finding them by their low confidence among the images of the config's test
set. SMMix, Table 5; TdAttenMix, Table 3; MixPro, Table 5.

A set is NAME=PATH, where PATH is a folder with a folder for each class, named
by its wnid, or a text file of lines `path wnid` next to the images, or to a
folder images/ of them. Known names are checked for their numbers: A, O, R,
Sketch and Stylized, the relatives of ImageNet.

example: out_of_distribution.py smmix/deit-small_smmix_8xb128-300e_in1k.py \
             epoch_300.pth --sets A=data/imagenet-a R=data/imagenet-r \
             Sketch=data/sketch Stylized=data/stylized/val O=data/imagenet-o

example: out_of_distribution.py \
             vanilla/vit-xs_vanilla_1xb128-15e_tiny-imagenet-25.py \
             epoch_15.pth --foreign \
             held-out=data/tiny-imagenet-200/val/val_annotations.txt
"""
from contextlib import contextmanager
from pathlib import Path

from mmmix.analysis.out_of_distribution import (ACCURACY_ONLY, KNOWN, TEST,
                                                OutOfDistribution)
from mmmix.cli import command_parser
from mmmix.cli.models import add_models, add_out, analysis_run, read_models
from mmmix.cli.settings import add_settings, read_settings
from mmmix.errors import MmmixError
from mmmix.visualization import write_report
from mmmix.visualization.reliability import draw_reliability

# arguments of the data sets, as the errors name them, and our options
OPTIONS = {
    '`allow_partial=True`': '--allow-partial',
    "`keep='known'`": '--known-only',
    '`wnids`': '--wnids'
}


@contextmanager
def options_in_messages():
    """Name the options of this tool in errors of the data sets."""
    try:
        yield
    except MmmixError as error:
        message = str(error)
        for argument, option in OPTIONS.items():
            message = message.replace(argument, option)
        raise MmmixError(message) from None


def read_sets(texts, option):
    """Names and paths of NAME=PATH."""
    sets = {}
    for text in texts:
        name, equals, path = text.partition('=')
        if not (name and equals and path) or name in sets or name == TEST:
            raise MmmixError(f'{option} takes NAME=PATH, each with another '
                             f'name than {TEST}, but got {text!r}.')
        if not Path(path).exists():
            raise FileNotFoundError(
                f'The set {name} is not at {path}, seen from {Path.cwd()}.')
        sets[name] = path
    return sets


def table_of(content):
    """Columns and rows, from the measures of each model by set."""
    rows = []
    for name, measures in content.items():
        row, heads = [name], ['checkpoint']
        for part, values in measures.items():
            if 'aupr' in values:
                heads.append(f'{part} AUPR')
                row.append(values['aupr'])
                continue
            heads.append(f'{part} top-1')
            row.append(values['top1'])
            if part not in ACCURACY_ONLY:
                heads += [f'{part} RMS calib. error', f'{part} AURRA']
                row += [values['rms_calibration_error'], values['aurra']]
        rows.append(row)
    return heads, rows


def notes_on(content, args):
    """What a reader must know of the numbers."""
    first = next(iter(content.values()))
    answer = (
        'Predictions are among all classes of the head (--all-classes).'
        if args.all_classes else
        'Softmax and predictions are over the classes of the set alone, as '
        'the authors of ImageNet-A, -O and -R do; top-1 with all '
        'classes of the head is in the JSON.')
    notes = [f'All numbers are in %. {answer}']
    for part, values in first.items():
        if 'aupr' in values:
            notes.append(
                f'{part}: {values["images_outside"]:,} foreign images, the '
                f'positives, against {values["images_inside"]:,} test images; '
                f'{values["classes"]} classes; a guess would reach an AUPR of '
                f'{values["aupr_of_a_guess"]:.2f}.')
        else:
            notes.append(f'{part}: {values["images"]:,} images, '
                         f'{values["classes"]} classes.')
    if args.num_images is not None:
        notes.append(f'--num-images: at most {args.num_images:,} images of '
                     'each set, drawn by a fixed seed.')
    own = [part for part in first if part not in KNOWN]
    if own:
        notes.append(f'Stand-ins: {", ".join(own)}. These are none of the '
                     "papers' data sets (ImageNet-A, -R, -O, -Sketch and "
                     '-Stylized), so the numbers do not compare with theirs.')
    if args.as_they_are:
        notes.append('Neither resized nor cropped: '
                     f'{", ".join(args.as_they_are)}.')
    return notes


def parse_args():
    parser = command_parser(__doc__)
    add_models(parser)
    parser.add_argument(
        '--sets',
        nargs='+',
        default=[],
        metavar='NAME=PATH',
        help='images of classes that the head has; O is taken for --foreign')
    parser.add_argument(
        '--foreign',
        nargs='+',
        default=[],
        metavar='NAME=PATH',
        help='images of classes that the head does not have; others in there '
        'are left out')
    parser.add_argument(
        '--test-set',
        action='store_true',
        help="measure on the config's own test set, too")
    parser.add_argument(
        '--wnids',
        metavar='FILE',
        help='the wnids of the head, one a line in its order; by default the '
        "config's data set says them, and 1000 are ImageNet-1k's")
    add_settings(parser, OutOfDistribution, 'all_classes', 'known_only',
                 'allow_partial', 'as_they_are')
    add_out(parser, 'work_dirs/out-of-distribution')
    return parser.parse_args()


def main():
    args = parse_args()
    with analysis_run(args):
        sets = read_sets(args.sets, '--sets')
        foreign = read_sets(args.foreign, '--foreign')
        if 'O' in sets:
            foreign.setdefault('O', sets.pop('O'))
        if not (sets or foreign or args.test_set):
            raise MmmixError('There is nothing to measure: give --sets, '
                             '--foreign or --test-set.')
        twice = set(sets) & set(foreign)
        unknown = set(args.as_they_are) - set(sets) - set(foreign)
        if twice or unknown:
            raise MmmixError(
                'Each set has a name of its own, which --as-they-are repeats: '
                f'{", ".join(sorted(twice | unknown))} does not fit.')
        if args.wnids:
            args.wnids = Path(args.wnids).read_text().split()
        content, notes = {}, []
        for trained in read_models(args):
            measures = content[trained.name] = {}
            with options_in_messages():
                bench = read_settings(args, OutOfDistribution, trained=trained)
                if args.test_set:
                    measures[TEST] = bench.accuracy(TEST)
                for name, path in sets.items():
                    measures[name] = bench.accuracy(name, path)
                for name, path in foreign.items():
                    measures[name] = bench.detection(name, path)
            notes += [note for note in bench.notes if note not in notes]
        write_report(
            args.out,
            'Out of distribution',
            *table_of(content),
            dict(checkpoints=content),
            draw_reliability(content, ACCURACY_ONLY),
            notes=notes_on(content, args) + notes)


if __name__ == '__main__':
    main()
