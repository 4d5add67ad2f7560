"""Draw where models look: a contact sheet of class activation maps.

Pairs of images that all checkpoints classify correctly, unmixed and mixed, and
what each checkpoint looks at for the label of the source and of the target
(SMMix, Fig. 5b and c; TdAttenMix, Fig. 6; MixPro, Fig. 6).

example, after tools/quickstart.sh:
    class_activation.py cutmix/vit-xs_cutmix_1xb64-10e_synthetic.py \\
             work_dirs/quickstart/cutmix/epoch_10.pth \\
             smmix/vit-xs_smmix_1xb64-10e_synthetic.py \\
             work_dirs/quickstart/smmix/epoch_10.pth \\
             --method CutMix --num 4 --out work_dirs/class_activation
"""
import argparse

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger

from mmmix.analysis.maps import MAP_KINDS, LookingMaps
from mmmix.analysis.methods import (
    Pairs,
    check_alike,
    guided_methods,
    pair_classes,
)
from mmmix.analysis.mixed_pairs import to_image
from mmmix.analysis.trained_model import (
    SPLITS,
    add_subjects,
    batches,
    check_same_images,
    choose_images,
    labels_of,
    open_dataset,
    read_subjects,
)
from mmmix.cli.launch import short_errors
from mmmix.errors import MmmixError
from mmmix.visualization import write_report
from mmmix.visualization.contact_sheet import draw_sheet, sights_of_pair

COLUMNS = ('pair', 'source', 'target', 'lambda', 'checkpoint',
           'p(source) unmixed', 'p(target) unmixed', 'p(source) mixed',
           'p(target) mixed')


@torch.no_grad()
def right_images(subjects, dataset, indices, batch_size):
    """The images that all subjects classify correctly, their labels, and the
    accuracy of each subject in percent.

    Raises:
        ValueError: If there are not two of different classes.
    """
    right, accuracy = [], {}
    for subject in subjects:
        found = []
        for inputs, samples in batches(subject, dataset, indices, batch_size):
            labels = labels_of(samples)
            answers = subject.model(inputs).argmax(1).cpu()
            found.append(torch.stack((answers == labels, labels)))
        correct, labels = torch.cat(found, 1)
        right.append(correct.bool())
        accuracy[subject.name] = 100 * float(correct.double().mean())
    right = torch.stack(right).all(0)
    if len(labels[right].unique()) < 2:
        each = ', '.join(f'{name} {percent:.1f} %'
                         for name, percent in accuracy.items())
        raise MmmixError(
            f'Of {len(indices)} images, {int(right.sum())} are classified '
            f'correctly by all models ({each}), and a pair needs two of '
            'different classes: look at more images (--num-images) or at '
            'fewer models.')
    return np.array(indices)[right.numpy()], labels[right].numpy(), accuracy


def choose_pairs(images, labels, num, seed):
    """Targets and sources of different classes, each image once."""
    rng = np.random.default_rng(seed)
    source, differ = pair_classes(labels, rng)
    pairs, used = [], set()
    for target in rng.permutation(len(images)):
        pair = {int(target), int(source[target])}
        if differ[target] and not pair & used and len(pairs) < num:
            used |= pair
            pairs.append((int(images[target]), int(images[source[target]])))
    return pairs


def load_pair(subject, dataset, pair, key):
    """The two images, of which the first gets a part of the second."""
    data = subject.model.data_preprocessor(
        pseudo_collate([dataset[i] for i in pair]), False)
    labels = labels_of(data['data_samples']).to(data['inputs'].device)
    return Pairs(data['inputs'], labels, data['data_samples'],
                 np.array([1, 0]), labels != labels.flip(0), key)


@torch.no_grad()
def probabilities(subject, inputs, labels):
    """Of the labels, ``(N,)``."""
    scores = subject.model(inputs).softmax(1)
    return scores.gather(1, labels[:, None])[:, 0].cpu()


def look(subjects, maps, pairs, mixed):
    """Maps and probabilities of each subject, unmixed and mixed."""
    shown = dict(own=(pairs.inputs, pairs.labels))
    if maps.requires_labels:
        shown['source'] = mixed.inputs, pairs.labels[pairs.source]
        shown['target'] = mixed.inputs, pairs.labels
    else:
        shown['both'] = mixed.inputs, None
    looked = {
        key: [maps(subject.model, *what) for subject in subjects]
        for key, what in shown.items()
    }
    scores = {
        key: [probabilities(subject, *what) for subject in subjects]
        for key, what in dict(
            own=(pairs.inputs, pairs.labels),
            source=(mixed.inputs, pairs.labels[pairs.source]),
            target=(mixed.inputs, pairs.labels)).items()
    }
    return looked, scores


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add_subjects(parser)
    parser.add_argument(
        '--method',
        default='CutMix',
        help='who mixes: the name of a mixer, such as SMMix or '
        'MaskMix+scale=1, or a config (default: %(default)s)')
    parser.add_argument(
        '--guide',
        nargs=2,
        metavar=('CONFIG', 'CHECKPOINT'),
        help='the model that shows the mixer where to look; by default the '
        'first pair')
    parser.add_argument(
        '--map',
        choices=MAP_KINDS,
        default='GradCAM',
        metavar='KIND',
        help='class activation (GradCAM, the default, or another method of '
        'its library) or attention (BottomUp, ClassAttention, TopDown)')
    parser.add_argument(
        '--num', type=int, default=4, help='pairs (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--split', choices=SPLITS, default='val', help='default: %(default)s')
    parser.add_argument(
        '--out',
        default='work_dirs/class_activation',
        help='write OUT.json, OUT.md and OUT.png (default: %(default)s)')
    return parser.parse_args()


def main():
    args = parse_args()
    MMLogger.get_current_instance().setLevel('ERROR')
    torch.manual_seed(args.seed)
    with short_errors(ValueError, ModuleNotFoundError):
        if args.num < 1:
            raise MmmixError(f'--num must be at least 1, not {args.num}.')
        subjects = read_subjects(args)
        maps = LookingMaps(args.map)
        for subject in subjects:
            maps.check(subject.model)
        method, = guided_methods([args.method], args.guide or args.pairs[:2],
                                 args.cfg_options)
        datasets = [open_dataset(subject, args.split) for subject in subjects]
        check_same_images(subjects, datasets)
        dataset = datasets[0]
        check_alike([*subjects, method], dataset)
        images, labels, accuracy = right_images(
            subjects, dataset, choose_images(dataset, args.num_images),
            args.batch_size)
        chosen = choose_pairs(images, labels, args.num, args.seed)
    names = [subject.name for subject in subjects]
    classes = dataset.metainfo.get('classes')
    sights, rows, content = [], [], []
    for number, pair in enumerate(chosen):
        pairs = load_pair(subjects[0], dataset, pair, (args.seed, number))
        mixed = method.mix(pairs)
        looked, scores = look(subjects, maps, pairs, mixed)
        own = [
            classes[label] if classes else f'class {label}'
            for label in pairs.labels.tolist()
        ]
        sights.append(
            sights_of_pair(
                0, 1, to_image(subjects[0].model, pairs.inputs), mixed,
                to_image(subjects[0].model, mixed.inputs), own, looked,
                scores if maps.requires_labels else dict(own=scores['own'])))
        for i, name in enumerate(names):
            told = [
                float(scores['own'][i][1]),
                float(scores['own'][i][0]),
                *(float(scores[key][i][0]) for key in ('source', 'target'))
            ]
            rows.append(
                (number + 1, own[1], own[0], float(mixed.lam[0]), name, *told))
        content.append(dict(target=pair[0], source=pair[1]))
    each = ', '.join(f'{name} {p:.1f} %' for name, p in accuracy.items())
    notes = [
        f'Maps: {args.map}; mixed by {method.name}, guided by '
        f'{method.guided_by}. Chosen by seed {args.seed} among the '
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
        dict(images=content, accuracy=accuracy, map=args.map),
        figure=draw_sheet(sights, names),
        notes=notes)


if __name__ == '__main__':
    main()
