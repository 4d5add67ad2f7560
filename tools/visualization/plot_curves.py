r"""Plot what runs logged side by side: losses, accuracies, and what was mixed.

Panels are named as in the log: loss, loss_cls, accuracy/top1, lr, and with
mmmix.MixStatisticsHook mix/alpha_mean, mix/lam_mean and their like. Two are
made of others: error/top1 is 100 less the accuracy, histogram/alpha is that of
the last epoch.

example: plot_curves.py work_dirs/cutmix work_dirs/smmix --out curves.png

example, MixPro's Fig. 2: plot_curves.py work_dirs/mixpro work_dirs/transmix \
             --panels mix/alpha_mean histogram/alpha loss error/top1
"""
from pathlib import Path

from mmmix.cli import command_parser, user_errors
from mmmix.errors import MmmixError
from mmmix.visualization.curves import choose_panels, draw_curves, read_curves


def main():
    parser = command_parser(__doc__)
    parser.add_argument('work_dirs', nargs='+', type=Path)
    parser.add_argument(
        '--panels',
        nargs='+',
        metavar='NAME',
        help='what to show; by default losses, accuracies, and the means of '
        'lambda and alpha')
    parser.add_argument(
        '--by',
        choices=('epoch', 'iteration'),
        default='epoch',
        help='what the x axis counts (default: %(default)s)')
    parser.add_argument(
        '--out', default='curves.png', help='default: %(default)s')
    args = parser.parse_args()
    with user_errors():
        runs = {path.name: read_curves(path) for path in args.work_dirs}
        if len(runs) < len(args.work_dirs):
            raise MmmixError('Runs are called by the last part of their '
                             'paths, which must differ.')
        names = choose_panels(runs, args.panels)
        if not names:
            raise MmmixError('The runs have logged neither losses nor '
                             'accuracies.')
        figure = draw_curves(runs, names, args.by)
    out = Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)
    print(out)


if __name__ == '__main__':
    main()
