"""How well the attention segments the objects, without having learned it.

For each checkpoint: the Jaccard index of the most attended places, those that
together hold a stated share of the attention, and the objects' masks, or
their boxes where a data set has no masks (TdAttenMix, Table 2, on Pascal VOC
2012; the protocol of DINO and of Naseer et al., 2021). Writes OUT.json,
OUT.md and OUT.png.

example, after tools/quickstart.sh:
    attention_segmentation.py smmix/vit-xs_smmix_1xb64-10e_synthetic.py \\
        work_dirs/quickstart/smmix/epoch_10.pth --num-images 200
Pascal VOC 2012, as close as it gets to the public code of Naseer et al.:
    attention_segmentation.py mmpretrain::deit/deit-small_4xb256_in1k.py \\
        deit-small.pth --data _base_/datasets/voc2012_512px.py \\
        --views ClassAttention --truth classes --void background
"""
import argparse

from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger

from mmmix.analysis.attention_jaccard import TRUTHS, VOIDS
from mmmix.analysis.attention_maps import attention_maps
from mmmix.analysis.localisation import UPSAMPLING
from mmmix.analysis.trained_model import (
    add_subjects,
    batches,
    check_same_images,
    choose_images,
    open_dataset,
    read_subjects,
)
from mmmix.cli.launch import load_config, short_errors
from mmmix.errors import MmmixError
from mmmix.registry import TASK_UTILS
from mmmix.visualization import write_report
from mmmix.visualization.panels import draw_panels

VIEWS = ('BottomUp', 'ClassAttention', 'TopDown')
WHOLE = 'the whole image'
ATTENTION = 'attention against objects'
GAIN = 'gain over shuffled places'


def build_metrics(args):
    """An evaluator for each share of the attention."""
    return [
        Evaluator(
            dict(
                type='mmmix.AttentionJaccard',
                mass=mass,
                upsample=args.upsample,
                truth=args.truth,
                void=args.void)) for mass in args.mass
    ]


def judge(subject, view, dataset, indices, args):
    """The metric's results, one for each share of the attention."""
    metrics = build_metrics(args)
    for inputs, samples in batches(subject, dataset, indices, args.batch_size):
        attention = attention_maps(subject.model, view, inputs, samples).cpu()
        for one, sample in zip(attention, samples):
            if tuple(sample.img_shape[:2]) != inputs.shape[-2:]:
                raise MmmixError(
                    'The data preprocessor pads the images, so the attention '
                    'covers more than the truth: resize them to one size in '
                    'the pipeline.')
            sample.attention = one
        for metric in metrics:
            metric.process(samples)
    return [metric.evaluate(len(indices)) for metric in metrics]


def notes_of(args, result, with_masks):
    """What a reader of the numbers must know."""
    skipped = result['attention/skipped']
    upsample = dict(
        nearest='the places of the map are chosen, and then enlarged to the '
        'image (nearest)',
        bilinear='the map is enlarged to the image (bilinear), and then its '
        'pixels are chosen')
    truth = dict(
        objects='all objects together against the background',
        classes='each class in an image for itself, then their mean')
    void = dict(ignored='left out', background='background')
    return [
        f'Jaccard index in percent, the mean of {result["attention/images"]} '
        f'images ({skipped} more have no object and are left out); the '
        'columns are the shares of the attention that are kept. The map is '
        f'the mean of the heads; {upsample[args.upsample]}. The truth is '
        f'{"the masks" if with_masks else "the boxes"}: {truth[args.truth]}; '
        f'pixels of label 255 (void) are {void[args.void]}.',
        'The more places are taken, the larger is the index of any map. '
        '"shuffled" is the same map with its places shuffled: what an '
        'attention without aim reaches with as many places. '
        f'"{WHOLE}" takes all pixels.'
    ]


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add_subjects(parser)
    parser.add_argument(
        '--data',
        metavar='CONFIG',
        help='a config whose val_dataloader is used instead of the '
        "checkpoints', such as _base_/datasets/voc2012.py")
    parser.add_argument(
        '--views',
        nargs='+',
        choices=VIEWS,
        default=['BottomUp'],
        help='how the model looks at an image: SMMix, Eq. 6 (BottomUp, the '
        'default), MixPro, Eq. 4 (the class token, as the public codes), or '
        'TdAttenMix, Eq. 3-5, for the true label')
    parser.add_argument(
        '--mass',
        nargs='+',
        type=float,
        default=[0.6, 0.9],
        help='shares of the attention that are kept, default: 0.6 (DINO) and '
        '0.9 (Naseer et al.)')
    parser.add_argument(
        '--upsample',
        choices=UPSAMPLING,
        default='nearest',
        help='choose places and enlarge them (nearest, the default), or '
        'enlarge the map and choose pixels (bilinear)')
    parser.add_argument(
        '--truth',
        choices=TRUTHS,
        default='objects',
        help='all objects against the background (the default), or each '
        'class for itself (Naseer et al.)')
    parser.add_argument(
        '--void',
        choices=VOIDS,
        default='ignored',
        help='what pixels of label 255 are; ignored by default, background '
        "in Naseer et al.'s code")
    parser.add_argument(
        '--out',
        default='work_dirs/attention-segmentation',
        help='default: %(default)s')
    return parser.parse_args()


def main():
    args = parse_args()
    MMLogger.get_current_instance().setLevel('ERROR')
    results = {}
    with short_errors(ValueError):
        build_metrics(args)  # its complaints come before the long part
        subjects = read_subjects(args)
        views = {
            name: TASK_UTILS.build(dict(type=f'mmmix.{name}'))
            for name in dict.fromkeys(args.views)
        }
        for subject in subjects:
            for view in views.values():
                view.check(subject.model)
            if args.data:
                subject.cfg.val_dataloader = load_config(
                    args.data).val_dataloader
        datasets = [open_dataset(subject) for subject in subjects]
        check_same_images(subjects, datasets)
        indices = choose_images(datasets[0], args.num_images)
        for subject, dataset in zip(subjects, datasets):
            for view_name, view in views.items():
                results[subject.name,
                        view_name] = judge(subject, view, dataset, indices,
                                           args)
        if not first_of(results)['attention/images']:
            raise MmmixError(f'None of the {len(indices)} images has an '
                             'object: there is nothing to be found.')
    with_masks = 'gt_seg_map' in dataset[indices[0]]['data_samples']
    report(args, results, len(views) > 1, with_masks)


def first_of(results):
    """One result, for what is the same in all."""
    return next(iter(results.values()))[0]


def report(args, results, several_views, with_masks):
    """Write what was found, by subject and view."""
    names = {
        key: ' '.join(key if several_views else key[:1])
        for key in results
    }
    values = {
        what: {
            names[key]: [result[f'attention/{what}'] for result in row]
            for key, row in results.items()
        }
        for what in ('jaccard', 'shuffled', 'whole_image')
    }
    gains = {
        name: [a - b for a, b in zip(row, values['shuffled'][name])]
        for name, row in values['jaccard'].items()
    }
    first = first_of(results)
    whole = [first['attention/whole_image']] * len(args.mass)
    rows = [(*key, *values['jaccard'][name]) for key, name in names.items()]
    rows += [(key[0], f'{key[1]}, shuffled', *values['shuffled'][name])
             for key, name in names.items()]
    write_report(
        args.out, 'Segmentation by attention',
        ['checkpoint', 'attention_map', *(f'{mass:g}' for mass in args.mass)],
        [*rows, (WHOLE, '', *whole)],
        dict(
            mass=args.mass,
            upsample=args.upsample,
            truth=args.truth,
            void=args.void,
            images=first['attention/images'],
            skipped=first['attention/skipped'],
            jaccard=values['jaccard'],
            shuffled=values['shuffled'],
            whole_image=whole[0]),
        draw_panels({
            ATTENTION: values['jaccard'],
            GAIN: gains
        },
                    args.mass,
                    'share of the attention kept',
                    'Jaccard index (%)', {ATTENTION: {
                        WHOLE: whole
                    }},
                    share_y=False), notes_of(args, first, with_masks))


if __name__ == '__main__':
    main()
