r"""How far mixed labels are from what mixed images show.

|lambda_gt - lambda| of each method (TdAttenMix, Eq. 21, Table 4): lambda is
the weight of the source's label that a training would use, lambda_gt the
share of the source in what can still be seen of both objects. All methods
mix the same pairs of different classes of the validation images.

example, after tools/quickstart.sh:
    inconsistency.py cutmix/vit-xxs_cutmix_1xb64-120e_synthetic-250.py \
             work_dirs/quickstart/cutmix/epoch_120.pth \
             smmix/vit-xxs_smmix_1xb64-120e_synthetic-250.py \
             work_dirs/quickstart/smmix/epoch_120.pth \
             --guide smmix/vit-xxs_smmix_1xb64-120e_synthetic-250.py \
             work_dirs/quickstart/smmix/epoch_120.pth \
             --methods ResizeMix SMMix --num-images 200 \
             --out work_dirs/inconsistency
"""
from mmmix import analysis
from mmmix.analysis.inconsistency import (against_first, draw_inconsistency,
                                          mean_inconsistency, within)
from mmmix.cli import command_parser
from mmmix.cli.methods import add_methods, read_methods, sampling_note
from mmmix.cli.models import analysis_run, open_images
from mmmix.visualization import write_report

COLUMNS = ('method', 'guided by', 'inconsistency', 'std. error',
           'to the first', 'std. error', 'by pixels', 'lambda', 'lambda_gt',
           'images', 'skipped')
NOTE = ('Mean of |lambda_gt - lambda| in percent over pairs of different '
        'classes; {} pairs of one class were left out, and so were the '
        '"skipped", which show neither object, or whose label has no weight '
        'for either. "To the first": the difference '
        'from the first row, pair by pair. Every object counts by the share '
        'of it that can be seen; "by pixels" counts its pixels instead. ')


def parse_args():
    parser = command_parser(__doc__)
    add_methods(parser, 'guide', 'a trained model that guides --methods')
    parser.add_argument(
        '--area',
        nargs=2,
        type=float,
        metavar=('LOW', 'HIGH'),
        help='only images of which the object covers such a share, such as '
        '0 0.25')
    return parser.parse_args()


def main():
    args = parse_args()
    with analysis_run(args):
        methods = read_methods(args, args.guide)
        analysis.methods.check_regions(methods)
        dataset = open_images(args, methods[0])
        analysis.check_alike(methods, dataset)
        indices = analysis.choose_images(dataset, args.num_images)
        if args.area:
            indices = within(dataset, indices, args.area, args.truth)
        found, same_class = analysis.measure_inconsistency(
            methods,
            analysis.pair_batches(methods[0], dataset, indices,
                                  args.batch_size, args.rounds, args.seed),
            args.truth)
    results = {name: mean_inconsistency(own) for name, own in found.items()}
    differences = against_first(found)
    rows = [(m.name, m.guided_by, r['mean'], r['error'], *differences[m.name],
             r['by_pixels'], r['lam'], r['lam_gt'], r['images'], r['skipped'])
            for m, r in zip(methods, results.values())]
    area = 'Only images whose object covers {:g} to {:g} of them. '.format(
        *args.area) if args.area else ''
    write_report(
        args.out,
        'Image-label inconsistency',
        COLUMNS,
        rows,
        dict(
            results=results,
            difference_from_first=differences,
            same_class=same_class,
            truth=args.truth),
        figure=draw_inconsistency(found),
        notes=[
            NOTE.format(same_class) + f'Truth: {args.truth}. {area}' +
            sampling_note(args, indices)
        ])


if __name__ == '__main__':
    main()
