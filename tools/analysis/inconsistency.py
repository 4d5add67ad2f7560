"""How far mixed labels are from what mixed images show.

|lambda_gt - lambda| of each method (TdAttenMix, Eq. 21, Table 4): lambda is
the weight of the source's label that a training would use, lambda_gt the
share of the source in what is still to be seen of both objects. All methods
mix the same pairs of different classes of the validation images.

example, after tools/quickstart.sh:
    inconsistency.py cutmix/vit-xs_cutmix_1xb64-10e_synthetic.py \\
             work_dirs/quickstart/cutmix/epoch_10.pth \\
             smmix/vit-xs_smmix_1xb64-10e_synthetic.py \\
             work_dirs/quickstart/smmix/epoch_10.pth \\
             --guide smmix/vit-xs_smmix_1xb64-10e_synthetic.py \\
             work_dirs/quickstart/smmix/epoch_10.pth \\
             --methods ResizeMix SMMix --num-images 200 \\
             --out work_dirs/inconsistency
"""
import argparse

import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.logging import MMLogger
from rich.progress import track

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
    ImageLabelInconsistency,
    mean_and_error,
    shown_lambda,
    truth_maps,
)
from mmmix.analysis.trained_model import choose_images
from mmmix.cli.launch import short_errors
from mmmix.errors import MmmixError
from mmmix.visualization import write_report

COLUMNS = ('method', 'guided by', 'inconsistency', 'std. error',
           'to the first', 'std. error', 'by pixels', 'lambda', 'lambda_gt',
           'images', 'skipped')


def within(dataset, indices, args):
    """The images of which the truth covers a share in ``args.area``."""
    low, high = args.area
    chosen = []
    for index in track(indices, description='sizes of objects'):
        sample = dataset[index]
        size = sample['inputs'].shape[-2:]
        maps = truth_maps([sample['data_samples']], size, args.truth)
        if low <= float((maps > 0).float().mean()) <= high:
            chosen.append(index)
    if len(chosen) < 2:
        raise MmmixError(f'{len(chosen)} of {len(indices)} images have an '
                         f'object that covers {low:g} to {high:g} of them.')
    return chosen


def check_regions(methods):
    """Refuse blends.

    Raises:
        ValueError: If a mixer has no regions.
    """
    for method in methods:
        if not method.mixer.regions:
            raise MmmixError(
                f'{type(method.mixer).__name__} of {method.name} has no '
                'regions: every place shows both images by the weight of the '
                'label, so it is consistent by construction, and there is '
                'nothing to measure.')


def measure(methods, dataset, indices, args):
    """What each method labels and shows: for each ``lam``, ``lam_gt``, the
    same by pixels, and ``batch``, one value a pair; and how many pairs were
    left out because both images have one class."""
    found = {
        m.name: dict(lam=[], lam_gt=[], by_pixels=[], batch=[])
        for m in methods
    }
    same_class = 0
    for pairs in draw_pairs(methods[0], dataset, indices, args.batch_size,
                            args.rounds, args.seed):
        maps = truth_maps(pairs.samples, pairs.inputs.shape[-2:],
                          args.truth).to(pairs.inputs.device)
        same_class += int((~pairs.valid).sum())
        for method in methods:
            mixed = method.mix(pairs, unit_mass(maps))
            for name, values in (('lam', mixed.lam),
                                 ('lam_gt', shown_lambda(maps, mixed)),
                                 ('by_pixels',
                                  shown_lambda(maps, mixed, normalize=False))):
                values = values[pairs.valid].double().tolist()
                found[method.name][name] += values
            found[method.name]['batch'] += [pairs.key[1]] * len(values)
    return found, same_class


def judge(found):
    """The metric of one method, and the mean by pixels."""
    results = []
    for lam_gt in (found['lam_gt'], found['by_pixels']):
        metric = ImageLabelInconsistency()
        metric.process(None, [
            dict(lam_gt=gt, lam=lam, mixed_batch=batch)
            for gt, lam, batch in zip(lam_gt, found['lam'], found['batch'])
        ])
        results.append(metric.compute_metrics(metric.results))
    result, pixels = results
    return dict(result, by_pixels=pixels['mean'])


def against_first(found):
    """Mean difference from the first method, pair by pair, and its error."""
    first = next(iter(found.values()))
    differences = {}
    for name, own in found.items():
        values = [
            100 * np.abs(np.subtract(f['lam_gt'], f['lam']))
            for f in (own, first)
        ]
        difference = values[0] - values[1]
        both = ~np.isnan(difference)
        differences[name] = mean_and_error(difference[both],
                                           np.asarray(own['batch'])[both])
    return differences


def draw(found, results):
    """The spread of each method over the pairs, and its mean."""
    figure = Figure(figsize=(0.55 * len(found) + 2, 5))
    axes = figure.subplots()
    for place, own in enumerate(found.values()):
        values = 100 * np.abs(np.subtract(own['lam_gt'], own['lam']))
        values = values[~np.isnan(values)]
        if len(values) > 1 and np.ptp(values) > 0:
            axes.violinplot([values], [place], widths=0.8, showextrema=False)
    means = [result['mean'] for result in results.values()]
    axes.plot(range(len(found)), means, 'k_', markersize=16)
    axes.set_xticks(range(len(found)), list(found), rotation=60, ha='right')
    axes.set_ylim(0, 100)
    axes.set_ylabel('|lambda_gt - lambda| in percent; bar: mean')
    axes.grid(axis='y', alpha=0.3)
    return figure


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add_methods(parser, 'guide', 'a trained model that guides --methods')
    parser.add_argument(
        '--area',
        nargs=2,
        type=float,
        metavar=('LOW', 'HIGH'),
        help='only images of which the object covers such a share, such as '
        '0 0.25')
    parser.add_argument(
        '--truth',
        choices=TRUTHS,
        default='boxes',
        help='where an object is: its box (the default), or the map that the '
        'data set loads: its mask, or gaze by mmmix.LoadGaze')
    return parser.parse_args()


def main():
    args = parse_args()
    MMLogger.get_current_instance().setLevel('ERROR')
    torch.manual_seed(args.seed)
    with short_errors(ValueError):
        methods = read_methods(args, args.guide)
        if args.controls:
            methods = with_controls(methods)
        check_regions(methods)
        dataset = open_images(args, methods[0])
        check_alike(methods, dataset)
        indices = choose_images(dataset, args.num_images)
        if args.area:
            indices = within(dataset, indices, args)
        found, same_class = measure(methods, dataset, indices, args)
        if not any(own['lam'] for own in found.values()):
            raise MmmixError('No pair has different classes.')
    results = {name: judge(own) for name, own in found.items()}
    differences = against_first(found)
    rows = [(m.name, m.guided_by, r['mean'], r['error'], *differences[m.name],
             r['by_pixels'], r['lam'], r['lam_gt'], r['images'], r['skipped'])
            for m, r in zip(methods, results.values())]
    notes = [
        'Mean of |lambda_gt - lambda| in percent over pairs of different '
        f'classes; {same_class} pairs of one class were left out, and so '
        'were the "skipped", which show neither object. "To the first": the '
        'difference from the first row, pair by pair. Every object counts by '
        'the share of it that is to be seen; "by pixels" counts its pixels '
        f'instead. Truth: {args.truth}. {len(indices)} images' +
        (' whose object covers {:g} to {:g} of them'.format(
            *args.area) if args.area else '') +
        f', {args.rounds} rounds, batches of {args.batch_size}, seed '
        f'{args.seed}; a batch is the unit of the standard errors.'
    ]
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
        figure=draw(found, results),
        notes=notes)


if __name__ == '__main__':
    main()
