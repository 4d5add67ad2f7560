r"""Whether a model sees both images in a mixed one.

Top-1 in {A, B} and top-2 = {A, B} over the share of the image that comes from
the source (SMMix, Fig. 5a; TdAttenMix, Fig. 4): how often the first prediction
is one of the two labels, and the first two are both. All methods mix the same
pairs of different classes of the validation images, and one model, --judge,
looks at all of them.

example, after tools/quickstart.sh:
    mixed_accuracy.py cutmix/vit-xxs_cutmix_1xb64-120e_synthetic-250.py \
             work_dirs/quickstart/cutmix/epoch_120.pth \
             smmix/vit-xxs_smmix_1xb64-120e_synthetic-250.py \
             work_dirs/quickstart/smmix/epoch_120.pth \
             --judge cutmix/vit-xxs_cutmix_1xb64-120e_synthetic-250.py \
             work_dirs/quickstart/cutmix/epoch_120.pth \
             --methods Mixup ResizeMix --num-images 200 \
             --out work_dirs/mixed-accuracy
"""
import numpy as np

from mmmix import analysis
from mmmix.analysis.mixed_accuracy import (KINDS, LEAST, against_first,
                                           draw_over_lambda, mean_accuracy,
                                           over_lambda)
from mmmix.cli import command_parser
from mmmix.cli.methods import add_methods, read_methods, sampling_note
from mmmix.cli.models import analysis_run, open_images, read_model
from mmmix.errors import MmmixError
from mmmix.visualization import write_report

COLUMNS = ('method', 'guided by', 'top-1', 'std. error', 'top-2', 'std. error',
           'top-1 to the first', 'std. error', 'top-2 to the first',
           'std. error', 'top-1, equal lambda', 'top-2, equal lambda',
           'lambda', 'pairs')


def parse_args():
    parser = command_parser(__doc__)
    add_methods(
        parser, 'judge',
        'the model that looks at all mixed images, and guides '
        '--methods')
    parser.add_argument(
        '--bins',
        type=int,
        default=10,
        help="equal parts of lambda's range (default: %(default)s)")
    return parser.parse_args()


def row_of(method, found, metrics, differences, curve, common):
    """What the table says of a method; `common` are the bins of lambda in
    which every method has pairs."""
    at_equal_lambda = [
        np.mean([curve[kind][i] for i in common]) if len(common) else None
        for kind in KINDS
    ]
    return (method.name, method.guided_by, metrics['top1'],
            metrics['top1_error'], metrics['top2'], metrics['top2_error'],
            *differences['top1'][method.name],
            *differences['top2'][method.name], *at_equal_lambda,
            found['lam'].mean(), metrics['images'])


def main():
    args = parse_args()
    with analysis_run(args):
        if not args.judge:
            raise MmmixError('One model looks at the images of all methods: '
                             'name it by --judge CONFIG CHECKPOINT.')
        if args.bins < 1:
            raise MmmixError(f'--bins must be at least 1, not {args.bins}.')
        methods = read_methods(args, args.judge)
        judge = read_model('the judge', *args.judge, args.cfg_options)
        dataset = open_images(args, judge)
        analysis.check_alike([judge, *methods], dataset)
        indices = analysis.choose_images(dataset, args.num_images)
        found, same_class = analysis.measure_mixed_accuracy(
            judge, methods,
            analysis.pair_batches(judge, dataset, indices, args.batch_size,
                                  args.rounds, args.seed),
            args.truth if args.controls else None)
    curves = {name: over_lambda(own, args.bins) for name, own in found.items()}
    counts = np.array([curve['pairs'] for curve in curves.values()])
    common = np.flatnonzero((counts >= LEAST).all(0))
    metrics = {name: mean_accuracy(own) for name, own in found.items()}
    differences = against_first(found)
    ranges = ', '.join(f'{i / args.bins:g} to {(i + 1) / args.bins:g}'
                       for i in common)
    write_report(
        args.out,
        'Accuracy on mixed images',
        COLUMNS, [
            row_of(method, found[method.name], metrics[method.name],
                   differences, curves[method.name], common)
            for method in methods
        ],
        dict(
            judge=args.judge,
            metrics=metrics,
            difference_from_first=differences,
            bins=args.bins,
            over_lambda=curves,
            same_class=same_class),
        figure=draw_over_lambda(curves, args.bins),
        notes=[
            f'In percent, judged by {judge.short_checkpoint}. "To the first": '
            'the difference from the first row, pair by pair. Lambda is the '
            'share of the image that comes from the source, of a blend its '
            'weight. "Equal lambda": the mean over the bins in which every '
            f'method has at least {LEAST} pairs: '
            f'{ranges or "there is none"}. {same_class} pairs of one class '
            'were left out. ' + sampling_note(args, indices)
        ])


if __name__ == '__main__':
    main()
