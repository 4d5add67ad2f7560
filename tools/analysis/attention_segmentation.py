r"""How well the attention segments the objects, without having learned it.

For each checkpoint: the Jaccard index of the most attended places, those that
together hold a stated share of the attention, and the objects' masks, or
their boxes where a data set has no masks (TdAttenMix, Table 2, on Pascal VOC
2012; the protocol of DINO and of Naseer et al., 2021). Writes OUT.json,
OUT.md and OUT.png.

example, after tools/quickstart.sh:
    attention_segmentation.py smmix/vit-xxs_smmix_1xb64-120e_synthetic-250.py \
        work_dirs/quickstart/smmix/epoch_120.pth --num-images 200
Pascal VOC 2012, as close as it gets to the public code of Naseer et al.:
    attention_segmentation.py mmpretrain::deit/deit-small_4xb256_in1k.py \
        deit-small.pth --data _base_/datasets/voc2012_512px.py \
        --maps ClassAttention --truth classes --void background
"""
from dataclasses import asdict

from mmmix import analysis
from mmmix.analysis.attention_segmentation import VOID
from mmmix.cli import command_parser
from mmmix.cli.models import (add_maps, add_models, add_out, analysis_run,
                              open_images, read_map_kinds, read_models)
from mmmix.cli.settings import add_settings, read_settings
from mmmix.errors import MmmixError
from mmmix.visualization import write_report
from mmmix.visualization.panels import draw_panels

WHOLE = 'the whole image'
ATTENTION = 'attention against objects'
UPSAMPLED = dict(
    nearest='the places of the map are chosen and then enlarged to the image '
    '(nearest)',
    bilinear='the map is enlarged to the image (bilinear), then its pixels '
    'are chosen')
COMPARED = dict(
    objects='all objects together against the background',
    classes='each class in an image by itself, then their mean')


def parse_args():
    parser = command_parser(__doc__)
    add_models(parser)
    add_maps(parser)
    parser.add_argument(
        '--data',
        metavar='CONFIG',
        help='a config whose val_dataloader is used instead of the '
        "checkpoints', such as _base_/datasets/voc2012.py")
    add_settings(parser, analysis.SegmentationProtocol)
    add_out(parser, 'work_dirs/attention-segmentation')
    return parser.parse_args()


def main():
    args = parse_args()
    with analysis_run(args):
        protocol = read_settings(args, analysis.SegmentationProtocol)
        models = read_models(args)
        kinds = read_map_kinds(args, models)
        datasets = [open_images(args, trained) for trained in models]
        analysis.check_same_images(models, datasets)
        if any(maps.requires_labels for maps in kinds):
            for trained, dataset in zip(models, datasets):
                analysis.check_classes(trained, dataset)
        indices = analysis.choose_images(datasets[0], args.num_images)
        results = {
            (trained.name, maps.kind):
            analysis.measure_segmentation(trained, maps, dataset, indices,
                                          protocol, args.batch_size)
            for trained, dataset in zip(models, datasets)
            for maps in kinds
        }
        first = next(iter(results.values()))[0]
        if not first['images']:
            raise MmmixError(f'None of the {len(indices)} images has an '
                             'object: there is nothing to be found.')
    masks = 'gt_seg_map' in datasets[0][indices[0]]['data_samples']
    report(args, protocol, results, first,
           'the masks' if masks else 'the boxes')


def report(args, protocol, results, first, truth):
    """Write what was found, by model and map."""
    several = len(set(args.maps)) > 1
    names = {key: ' '.join(key if several else key[:1]) for key in results}
    values = {
        what: {
            names[key]: [result[what] for result in row]
            for key, row in results.items()
        }
        for what in ('jaccard', 'error', 'shuffled', 'gain', 'gain_error')
    }
    whole = [first['whole_image']] * len(args.mass)
    rows = [(model, kind + suffix, *values[what][name])
            for what, suffix in (('jaccard', ''), ('shuffled', ', shuffled'))
            for (model, kind), name in names.items()]
    rows += [(model, f'{kind}, gain',
              *(f'{gain:+.2f} ± {error:.2f}' for gain, error in zip(
                  values['gain'][name], values['gain_error'][name])))
             for (model, kind), name in names.items()]
    figure = draw_panels(
        {
            ATTENTION: values['jaccard'],
            'gain over shuffled places': values['gain']
        },
        args.mass,
        'share of the attention kept',
        'Jaccard index (%)', {ATTENTION: {
            WHOLE: whole
        }},
        share_y=False)
    void = dict(ignored='left out', background='background')[args.void]
    void = f'pixels of label {VOID} (void) are {void}'
    if args.background == VOID:
        void = f'pixels of label {VOID} are the background'
    write_report(
        args.out,
        'Segmentation by attention',
        ['checkpoint', 'map', *(f'{mass:g}' for mass in args.mass)],
        [*rows, (WHOLE, '', *whole)],
        dict(
            asdict(protocol),
            images=first['images'],
            skipped=first['skipped'],
            whole_image=whole[0],
            **values),
        figure,
        notes=[
            f'Jaccard index in percent, the mean of {first["images"]} images '
            f'({first["skipped"]} more have no object and are left out); the '
            'columns are the shares of the attention that are kept. The map '
            f'is the mean of the heads; {UPSAMPLED[args.upsample]}. The truth '
            f'is {truth}: {COMPARED[args.truth]}; {void}.',
            'The more places are taken, the larger is the index of any map. '
            '"shuffled" is the same map with its places shuffled: what '
            'attention without aim reaches with as many places; "gain" is the '
            'difference, image by image, with its standard error. '
            f'"{WHOLE}" takes all pixels.'
        ])


if __name__ == '__main__':
    main()
