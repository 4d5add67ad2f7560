"""Accuracy, calibration and detection away from the training distribution.

For each checkpoint and set of images: top-1 accuracy, root mean square
calibration error and AURRA (area under the response rate accuracy curve); for
images of foreign classes the area under the precision-recall curve (AUPR) of
finding them by their low confidence among the images of the config's test
set. SMMix, Table 5; TdAttenMix, Table 3; MixPro, Table 5.

A set is NAME=PATH, where PATH is a folder with a folder for each class, named
by its wnid, or a text file of lines `path wnid` next to the images, or to a
folder images/ of them. Known names are checked for their numbers: A, O, R,
Sketch and Stylized, the relatives of ImageNet.

example: out_of_distribution.py smmix/deit-small_smmix_8xb128-300e_in1k.py \\
             epoch_300.pth --sets A=data/imagenet-a R=data/imagenet-r \\
             Sketch=data/sketch Stylized=data/stylized/val O=data/imagenet-o

example: out_of_distribution.py \\
             vanilla/vit-xs_vanilla_1xb128-15e_tiny-imagenet-25.py \\
             epoch_15.pth --foreign \\
             held-out=data/tiny-imagenet-200/val/val_annotations.txt
"""
import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
from matplotlib.figure import Figure
from mmengine.logging import MMLogger

from mmmix.analysis.trained_model import (
    add_subjects,
    batches,
    choose_images,
    labels_of,
    open_dataset,
    read_subjects,
)
from mmmix.cli.launch import short_errors
from mmmix.datasets import (
    ImageNetA,
    ImageNetO,
    ImageNetR,
    ImageNetSketch,
    StylizedImageNet,
    WnidImages,
)
from mmmix.datasets.imagenet_wnids import IMAGENET_WNIDS
from mmmix.errors import MmmixError
from mmmix.evaluation import detection_aupr, fitting_subset
from mmmix.evaluation.calibration import (
    calibration_bins,
    confident_prediction,
    response_rate_accuracy,
    rms_calibration_error,
)
from mmmix.visualization import write_report

KNOWN = dict(
    A=ImageNetA,
    R=ImageNetR,
    Sketch=ImageNetSketch,
    Stylized=StylizedImageNet,
    O=ImageNetO)
ACCURACY_ONLY = ('R', 'Sketch', 'Stylized')  # what the papers tell of them
TEST = 'test'  # what the config's own test set is called


@dataclass
class Answers:
    """What a model says of the images of a set: confidence, whether it is
    right, and whether it would be if all classes of the head could be
    answered, each ``(N,)``."""
    confidence: torch.Tensor
    correct: torch.Tensor
    correct_of_all: torch.Tensor
    num_classes: int


def read_sets(texts, option):
    """Names and paths of NAME=PATH.

    Raises:
        FileNotFoundError: If a path does not exist.
        ValueError: If it is not of this form, or a name comes twice.
    """
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


def head_wnids(subject, path=None):
    """What the outputs of a subject's head mean.

    Args:
        subject (Subject): Whose head.
        path (str, optional): A file of wnids, one a line; by default the data
            set of its config says them, and 1000 are those of ImageNet-1k.

    Raises:
        ValueError: If nobody says them, or they are not as many as the head
            has classes.
    """
    num_classes = subject.model.head.num_classes
    if path is not None:
        wnids = Path(path).read_text().split()
    elif num_classes == len(IMAGENET_WNIDS):
        wnids = IMAGENET_WNIDS
    else:
        wnids = open_dataset(subject, 'test').metainfo.get('wnids')
        if wnids is None:
            raise MmmixError(
                f'{subject.name} has {num_classes} classes and its data set '
                'does not say their wnids: give a file of them, one a line '
                'in the order of the head, with --wnids.')
    if len(wnids) != num_classes:
        raise MmmixError(f'There are {len(wnids)} wnids for the '
                         f'{num_classes} classes of {subject.name}.')
    return tuple(wnids)


def open_set(name, path, subject, wnids, args, foreign=False):
    """A set of images, prepared as the subject's test images are."""
    options = dict(
        data_root=path,
        wnids=wnids,
        pipeline=pipeline_of(subject, name in args.as_they_are),
        test_mode=True,
        allow_partial=args.allow_partial)
    if Path(path).is_file():
        folder = Path(path).parent
        options.update(
            data_root=str(folder),
            ann_file=Path(path).name,
            data_prefix='images' if (folder / 'images').is_dir() else '')
    kind = KNOWN.get(name, WnidImages)
    if foreign and not kind.OUTSIDE_CLASSES:
        options['keep'] = 'unknown'
    elif args.known_only:
        options['keep'] = 'known'
    try:
        return kind(**options)
    except ValueError as error:  # which names arguments of the class
        raise MmmixError(
            str(error).replace('`allow_partial=True`',
                               '--allow-partial').replace(
                                   "`keep='known'`", '--known-only').replace(
                                       '`wnids`', '--wnids')) from None


def pipeline_of(subject, as_they_are):
    """The steps of the test images; between loading and packing, the images
    may be left as they are."""
    steps = subject.cfg.test_dataloader.dataset.pipeline
    return [steps[0], steps[-1]] if as_they_are else steps


@torch.no_grad()
def answers(subject, dataset, indices, args, subset, description):
    """Let a subject classify images, see :class:`Answers`."""
    confidence, correct, of_all = [], [], []
    for inputs, samples in batches(subject, dataset, indices, args.batch_size,
                                   description):
        labels = labels_of(samples).cpu()
        predicted = subject.model(inputs, samples, mode='predict')
        scores = torch.stack([sample.pred_score for sample in predicted]).cpu()
        sure, answer = confident_prediction(scores, subset)
        _, best = confident_prediction(scores)
        confidence.append(sure)
        correct.append(answer == labels)
        of_all.append(best == labels)
    num_classes = scores.shape[1] if subset is None else len(subset)
    return Answers(
        torch.cat(confidence), torch.cat(correct), torch.cat(of_all),
        num_classes)


def accuracy_measures(result):
    """Everything about a set whose classes the head has."""
    confidence, correct = result.confidence, result.correct
    curve = response_rate_accuracy(confidence, correct)
    count, mean_confidence, accuracy = calibration_bins(confidence, correct)
    public = None
    if len(count) > 1:
        public = 100 * rms_calibration_error(
            confidence, correct, skip_last_bin=True)
    return dict(
        images=len(confidence),
        classes=result.num_classes,
        top1=100 * float(correct.double().mean()),
        top1_all_classes=100 * float(result.correct_of_all.double().mean()),
        rms_calibration_error=100 * rms_calibration_error(confidence, correct),
        rms_calibration_error_public_code=public,
        aurra=100 * float(curve.mean()),
        bins=dict(
            images=count.tolist(),
            confidence=mean_confidence.tolist(),
            accuracy=accuracy.tolist()),
        response_rate_accuracy=thinned(curve))


def thinned(curve, points=100):
    """Response rates and accuracies of at most so many points."""
    n = len(curve)
    places = sorted({-(-i * n // points) for i in range(1, points + 1)})
    return dict(
        response_rate=[k / n for k in places],
        accuracy=[float(curve[k - 1]) for k in places])


class Bench:
    """The measures of one subject on all sets."""

    def __init__(self, subject, args):
        self.subject = subject
        self.args = args
        self.wnids = head_wnids(subject, args.wnids)
        self.notes = []
        self._test = None

    def _indices(self, dataset):
        wanted = self.args.num_images
        return choose_images(dataset, wanted and min(wanted, len(dataset)))

    def _answers(self, name, dataset, indices):
        subset = fitting_subset(dataset.metainfo, len(self.wnids))
        if self.args.all_classes:
            subset = None
        return answers(self.subject, dataset, indices, self.args, subset,
                       f'{self.subject.name}: {name}')

    @property
    def test_set(self):
        """The config's own test set, read once."""
        if self._test is None:
            self._test = open_dataset(self.subject, 'test')
        return self._test

    def accuracy(self, name, path):
        """The measures on a set whose classes the head has."""
        dataset = open_set(name, path, self.subject, self.wnids, self.args)
        self._say_what_is_missing(name, dataset, 'does not have')
        return accuracy_measures(
            self._answers(name, dataset, self._indices(dataset)))

    def on_test_set(self):
        """The measures on the config's own test set."""
        dataset = self.test_set
        return accuracy_measures(
            self._answers(TEST, dataset, self._indices(dataset)))

    def detection(self, name, path):
        """How well foreign images are told from the test images of the same
        subset of classes."""
        foreign = open_set(
            name, path, self.subject, self.wnids, self.args, foreign=True)
        self._say_what_is_missing(name, foreign, 'has')
        subset = fitting_subset(foreign.metainfo, len(self.wnids))
        labels = self.test_set.get_gt_labels()
        wanted = set(subset)
        inside = [i for i, label in enumerate(labels) if int(label) in wanted]
        if not inside:
            raise MmmixError(f'The test set of {self.subject.name} has no '
                             f'images of the classes of {name}.')
        most = self.args.num_images or len(inside)
        most = min(most, len(inside))
        inside = [inside[i * len(inside) // most] for i in range(most)]
        chosen = None if self.args.all_classes else subset
        described = f'{self.subject.name}: {name}'
        near = answers(self.subject, self.test_set, inside, self.args, chosen,
                       f'{described}, inside')
        far = answers(self.subject, foreign, self._indices(foreign), self.args,
                      chosen, f'{described}, outside')
        confidence = torch.cat([near.confidence, far.confidence])
        outside = torch.arange(len(confidence)) >= len(near.confidence)
        return dict(
            images_inside=len(near.confidence),
            images_outside=len(far.confidence),
            classes=near.num_classes,
            aupr=100 * detection_aupr(confidence, outside),
            aupr_of_a_guess=100 * float(outside.double().mean()),
            mean_confidence_inside=float(near.confidence.mean()),
            mean_confidence_outside=float(far.confidence.mean()))

    def _say_what_is_missing(self, name, dataset, left_out):
        if dataset.num_left_out:
            self.notes.append(
                f'{name}: of {dataset.num_left_out + len(dataset):,} images '
                f'{dataset.num_left_out:,} were left out: images of classes '
                f'that the head {left_out}.')
        if dataset.NUM_IMAGES not in (None, len(dataset)):
            self.notes.append(f'{name}: a part only, {len(dataset):,} of '
                              f'{dataset.NUM_IMAGES:,} images, '
                              f'{len(dataset.metainfo["subset"])} of '
                              f'{dataset.NUM_CLASSES} classes.')


def measure(subject, args, sets, foreign):
    """All measures of one subject by set, and what was left out."""
    bench = Bench(subject, args)
    content = {}
    if args.test_set:
        content[TEST] = bench.on_test_set()
    for name, path in sets.items():
        content[name] = bench.accuracy(name, path)
    for name, path in foreign.items():
        content[name] = bench.detection(name, path)
    return content, bench.notes


def table_of(content):
    """Columns and rows, from the measures of each subject by set."""
    columns, rows = ['checkpoint'], []
    for name, measures in content.items():
        row = [name]
        columns = ['checkpoint']
        for part, values in measures.items():
            if 'aupr' in values:
                columns.append(f'{part} AUPR')
                row.append(values['aupr'])
                continue
            columns.append(f'{part} top-1')
            row.append(values['top1'])
            if part not in ACCURACY_ONLY:
                columns += [f'{part} RMS calib. error', f'{part} AURRA']
                row += [values['rms_calibration_error'], values['aurra']]
        rows.append(row)
    return columns, rows


def draw(content):
    """Reliability and response rate accuracy, a row of panels a set."""
    first = next(iter(content.values()))
    parts = [
        part for part, values in first.items()
        if 'aupr' not in values and part not in ACCURACY_ONLY
    ]
    if not parts:
        return None
    figure = Figure(figsize=(9, 3.6 * len(parts)), layout='constrained')
    panels = figure.subplots(len(parts), 2, squeeze=False)
    for (left, right), part in zip(panels, parts):
        left.plot([0, 1], [0, 1], color='grey', linewidth=0.8)
        for name, measures in content.items():
            values = measures[part]
            bins = values['bins']
            left.plot(
                bins['confidence'],
                bins['accuracy'],
                '.-',
                label=f'{name} ({values["rms_calibration_error"]:.1f})')
            curve = values['response_rate_accuracy']
            right.plot(
                curve['response_rate'],
                curve['accuracy'],
                label=f'{name} ({values["aurra"]:.1f})')
        left.set(
            xlabel='confidence, bins of 100 images',
            ylabel='accuracy',
            title=f'{part}: RMS calibration error (%)')
        right.set(
            xlabel='response rate',
            ylabel='accuracy',
            title=f'{part}: AURRA (%)',
            ylim=(0, 1.02))
        for panel in (left, right):
            panel.legend(fontsize='small')
    return figure


def notes_on(content, args):
    """What a reader must know of the numbers."""
    first = next(iter(content.values()))
    answer = ('All classes of the head could be answered (--all-classes).'
              if args.all_classes else
              'Softmax and answer are over the classes of the set alone, as '
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
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add_subjects(parser)
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
        'are not looked at')
    parser.add_argument(
        '--test-set',
        action='store_true',
        help="measure on the config's own test set, too")
    parser.add_argument(
        '--wnids',
        metavar='FILE',
        help='the wnids of the head, one a line in its order; by default the '
        "config's data set says them, and 1000 are ImageNet-1k's")
    parser.add_argument(
        '--all-classes',
        action='store_true',
        help='let all classes of the head answer, not the classes of the set '
        'alone')
    parser.add_argument(
        '--known-only',
        action='store_true',
        help='leave out of --sets images of classes that the head does not '
        'have, instead of refusing them')
    parser.add_argument(
        '--allow-partial',
        action='store_true',
        help='measure on a part of a known set')
    parser.add_argument(
        '--as-they-are',
        nargs='+',
        default=[],
        metavar='NAME',
        help='sets whose images are not resized or cropped, such as Stylized, '
        'whose images are 224 x 224')
    parser.add_argument(
        '--out',
        default='work_dirs/out-of-distribution',
        help='the files without their suffix; default: %(default)s')
    return parser.parse_args()


def main():
    args = parse_args()
    MMLogger.get_current_instance().setLevel('ERROR')
    with short_errors(ValueError, ImportError):
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
        content, notes = {}, []
        for subject in read_subjects(args):
            content[subject.name], more = measure(subject, args, sets, foreign)
            notes += [note for note in more if note not in notes]
        columns, rows = table_of(content)
        write_report(
            args.out,
            'Out of distribution',
            columns,
            rows,
            dict(checkpoints=content),
            draw(content),
            notes=notes_on(content, args) + notes)


if __name__ == '__main__':
    main()
