"""Whether a model sees both images in a mixed one.

Top-1 in {A, B} and top-2 = {A, B} over the share of the image that comes from
the source (SMMix, Fig. 5a; TdAttenMix, Fig. 4): how often the first prediction
is one of the two labels, and the first two are both. All methods mix the same
pairs of different classes of the validation images, and one model, --judge,
looks at all of them.

example, after tools/quickstart.sh:
    mixed_accuracy.py cutmix/vit-xs_cutmix_1xb64-10e_synthetic.py \\
             work_dirs/quickstart/cutmix/epoch_10.pth \\
             smmix/vit-xs_smmix_1xb64-10e_synthetic.py \\
             work_dirs/quickstart/smmix/epoch_10.pth \\
             --judge cutmix/vit-xs_cutmix_1xb64-10e_synthetic.py \\
             work_dirs/quickstart/cutmix/epoch_10.pth \\
             --methods Mixup ResizeMix --num-images 200 \\
             --out work_dirs/mixed-accuracy
"""
import argparse

import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.logging import MMLogger

from mmmix.analysis.inconsistency import unit_mass
from mmmix.analysis.methods import (
    add_methods,
    check_alike,
    draw_pairs,
    open_images,
    read_methods,
    with_controls,
)
from mmmix.analysis.mixed_images import (
    TRUTHS,
    MixedAccuracy,
    mean_in_bins,
    truth_maps,
)
from mmmix.analysis.trained_model import choose_images, read_subject
from mmmix.cli.launch import short_errors
from mmmix.errors import MmmixError
from mmmix.functional import area_lambda
from mmmix.visualization import write_report

COLUMNS = ('method', 'guided by', 'top-1', 'std. error', 'top-2', 'std. error',
           'top-1, equal lambda', 'top-2, equal lambda', 'lambda', 'pairs')
KINDS = ('top1', 'top2')
LEAST = 30  # pairs in a bin that is compared


@torch.no_grad()
def measure(judge, methods, dataset, indices, args):
    """For each method the metric's results, ``(top1, top2, batch)`` of each
    pair, and the share ``lam`` of the source in each mixed image; and how
    many pairs were left out because both images have one class."""
    metrics = {m.name: MixedAccuracy() for m in methods}
    lams = {m.name: [] for m in methods}
    same_class = 0
    for pairs in draw_pairs(judge, dataset, indices, args.batch_size,
                            args.rounds, args.seed):
        same_class += int((~pairs.valid).sum())
        maps = None
        if args.controls:
            size = pairs.inputs.shape[-2:]
            maps = unit_mass(truth_maps(pairs.samples, size, args.truth))
        for method in methods:
            mixed = method.mix(pairs, maps)
            scores = judge.model.head(judge.model.extract_feat(mixed.inputs))
            labels = pairs.labels
            share = area_lambda(mixed.mask).tolist()
            chosen = pairs.valid.nonzero().flatten().tolist()
            metrics[method.name].process(None, [
                dict(
                    pred_score=scores[i],
                    source_label=labels[mixed.source[i]],
                    target_label=labels[i],
                    mixed_batch=pairs.key[1]) for i in chosen
            ])
            lams[method.name] += [share[i] for i in chosen]
    results = {name: metric.results for name, metric in metrics.items()}
    return results, lams, same_class


def in_bins(results, lams, bins):
    """Mean top-1 and top-2 in percent of each method in bins of lambda, and
    the counts."""
    curves = {}
    for name, rows in results.items():
        curves[name] = {}
        for column, kind in enumerate(KINDS):
            values = [100 * row[column] for row in rows]
            mean, count = mean_in_bins(values, lams[name], bins)
            curves[name][kind] = [
                None if np.isnan(value) else value for value in mean.tolist()
            ]
        curves[name]['pairs'] = count.tolist()
    return curves


def common_bins(curves):
    """The bins in which every method has enough pairs."""
    counts = np.array([curve['pairs'] for curve in curves.values()])
    return np.flatnonzero((counts >= LEAST).all(0)).tolist()


def mean_over(curve, kind, bins):
    """The mean over bins, each with the same weight; None without bins."""
    return float(np.mean([curve[kind][i] for i in bins])) if bins else None


def draw(curves, bins):
    """Both accuracies over lambda, a line for each method."""
    figure = Figure(figsize=(11, 4.5))
    titles = ('top-1 in {A, B}', 'top-2 = {A, B}')
    for axes, kind, title in zip(figure.subplots(1, 2), KINDS, titles):
        for number, (name, curve) in enumerate(curves.items()):
            seen = [(i, curve[kind][i]) for i in range(bins)
                    if curve['pairs'][i] >= LEAST]
            axes.plot([(i + 0.5) / bins for i, _ in seen],
                      [value for _, value in seen],
                      'os^vDP'[number // 10 % 6] + '-',
                      markersize=4,
                      label=name)
        axes.set_title(title)
        axes.set_xlabel('lambda: share of the image from the source A')
        axes.set_xlim(0, 1)
        axes.set_ylim(0)
        axes.grid(alpha=0.3)
    axes.legend(loc='center left', bbox_to_anchor=(1, 0.5), fontsize='small')
    return figure


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add_methods(
        parser, 'judge',
        'the model that looks at all mixed images, and guides '
        '--methods')
    parser.add_argument(
        '--bins',
        type=int,
        default=10,
        help="equal parts of lambda's range (default: %(default)s)")
    parser.add_argument(
        '--truth',
        choices=TRUTHS,
        default='boxes',
        help='what leads the oracle of --controls: boxes (the default) or '
        'the masks or maps that the data set loads')
    return parser.parse_args()


def main():
    args = parse_args()
    MMLogger.get_current_instance().setLevel('ERROR')
    with short_errors(ValueError):
        if not args.judge:
            raise MmmixError('One model looks at the images of all methods: '
                             'name it by --judge CONFIG CHECKPOINT.')
        if args.bins < 1:
            raise MmmixError(f'--bins must be at least 1, not {args.bins}.')
        methods = read_methods(args, args.judge)
        if args.controls:
            methods = with_controls(methods)
        judge = read_subject('the judge', *args.judge, args.cfg_options)
        dataset = open_images(args, judge)
        check_alike([judge, *methods], dataset)
        indices = choose_images(dataset, args.num_images)
        results, lams, same_class = measure(judge, methods, dataset, indices,
                                            args)
        if not any(lams.values()):
            raise MmmixError('No pair has different classes.')
    curves = in_bins(results, lams, args.bins)
    common = common_bins(curves)
    metrics = {
        name: MixedAccuracy().compute_metrics(rows)
        for name, rows in results.items()
    }
    rows = [(m.name, m.guided_by, r['top1'], r['top1_error'], r['top2'],
             r['top2_error'], mean_over(curves[m.name], 'top1', common),
             mean_over(curves[m.name], 'top2',
                       common), float(np.mean(lams[m.name])), r['images'])
            for m, r in zip(methods, metrics.values())]
    ranges = ', '.join(f'{i / args.bins:g} to {(i + 1) / args.bins:g}'
                       for i in common)
    notes = [
        f'In percent, judged by {"/".join(args.judge[1].split("/")[-2:])}. '
        'Lambda is the share of the image that comes from the source, of a '
        f'blend its weight. "Equal lambda": the mean over the bins in which '
        f'every method has at least {LEAST} pairs: {ranges or "there is none"}'
        f'. {same_class} pairs of one class were left out. {len(indices)} '
        f'images, {args.rounds} rounds, batches of {args.batch_size}, seed '
        f'{args.seed}; a batch is the unit of the standard errors.'
    ]
    write_report(
        args.out,
        'Accuracy on mixed images',
        COLUMNS,
        rows,
        dict(
            judge=args.judge,
            metrics=metrics,
            bins=args.bins,
            over_lambda=curves,
            same_class=same_class),
        figure=draw(curves, args.bins),
        notes=notes)


if __name__ == '__main__':
    main()
