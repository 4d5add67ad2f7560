r"""Training speed, memory and parameters of several methods on one backbone.

MixPro, Table 2, and the axes of SMMix's and TdAttenMix's Fig. 1: images a
second through a whole training step, which is mixing, the guide's pass,
forward, backward and the optimizer, each method mixing as often as its config
says. The images are random and in memory, so loading is not in it. The runs
of the methods alternate, and the ratio to the first config is taken within a
run; with CutMix first, the columns are ratios to CutMix. With --accuracies,
published or measured ones, the figure is accuracy over training time.

Parameters count what an iteration needs: the model and, beside it, a frozen
extractor. Memory is the most that torch held at once for one step, beside the
model and the images.

example: benchmark_training.py \
             cutmix/vit-xs_cutmix_1xb128-15e_tiny-imagenet-25.py \
             smmix/vit-xs_smmix_1xb128-15e_tiny-imagenet-25.py \
             --runs 2 --steps 2
"""
import numpy as np
import torch
from mmengine.device import get_device

from mmmix.analysis.training_cost import (Training, draw_accuracies,
                                          draw_speeds, environment,
                                          measure_training)
from mmmix.cli import add_cfg_options, build_model, command_parser, load_config
from mmmix.cli.models import add_out, analysis_run, choose_names, short_names
from mmmix.errors import MmmixError
from mmmix.visualization import write_report

COLUMNS = ('method', 'images/s', '±', 'speed, x first', 'step, x first',
           'memory, MiB', 'memory, x first', 'parameters, M')


def fitting(configs, batch_size, size, device):
    """Trainings by name, with half the batch as often as memory demands."""
    while True:
        try:
            trainings = {
                name:
                Training(build_model(cfg).to(device), cfg, batch_size, size)
                for name, cfg in configs.items()
            }
            for training in trainings.values():
                training.step()
            return trainings, batch_size
        except torch.cuda.OutOfMemoryError:
            if batch_size == 1:
                raise
        # the error holds what filled the memory until its block ends
        trainings = None
        torch.cuda.empty_cache()
        batch_size //= 2


def parse_args():
    parser = command_parser(__doc__)
    parser.add_argument(
        'configs',
        nargs='+',
        metavar='CONFIG',
        help='the first is the reference of the ratios')
    parser.add_argument(
        '--names',
        nargs='+',
        metavar='NAME',
        help='what to call each; by default what tells the configs apart')
    parser.add_argument(
        '--accuracies',
        nargs='+',
        type=float,
        metavar='PERCENT',
        help='the top-1 accuracy of each config, to show over its time')
    parser.add_argument(
        '--batch-size',
        type=int,
        default=128,
        help='halved where the memory of a GPU does not suffice (default: '
        '%(default)s)')
    parser.add_argument(
        '--image-size',
        type=int,
        nargs='+',
        metavar='PIXELS',
        help="height and width; by default the first backbone's img_size")
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument(
        '--steps',
        type=int,
        default=10,
        help='of a run; enough of them that a mixer with a probability of one '
        'half is met about half of the time (default: %(default)s)')
    add_out(parser, 'work_dirs/benchmark_training')
    add_cfg_options(parser)
    return parser.parse_args()


def main():
    args = parse_args()
    device = torch.device(get_device())
    with analysis_run(args):
        if min(args.batch_size, args.runs, args.steps) < 1:
            raise MmmixError('--batch-size, --runs and --steps must be at '
                             'least 1.')
        accuracies = args.accuracies
        if accuracies and len(accuracies) != len(args.configs):
            raise MmmixError(f'--accuracies must give {len(args.configs)} '
                             'numbers, in the order of the configs, not '
                             f'{len(accuracies)}.')
        names = choose_names(
            args.names, short_names(args.configs, ['.'] * len(args.configs)))
        configs = {
            name: load_config(config, args.cfg_options)
            for name, config in zip(names, args.configs)
        }
        size = args.image_size or configs[names[0]].model.backbone.get(
            'img_size')
        if size is None:
            raise MmmixError('The first config does not say how large its '
                             'images are: give --image-size HEIGHT [WIDTH].')
        size = (np.atleast_1d(size).tolist() * 2)[:2]
        trainings, batch_size = fitting(configs, args.batch_size, size, device)
    measured = measure_training(trainings, args.runs, args.steps, device)
    first = measured[names[0]]
    machine = environment(device)
    write_report(
        args.out,
        'Training speed',
        COLUMNS,
        [(name, one['mean'], one['spread'], one['times_speed'],
          one['times_step'], one['peak_bytes'] / 2**20,
          one['peak_bytes'] / first['peak_bytes'], one['parameters'] / 1e6)
         for name, one in measured.items()],
        dict(
            environment=machine,
            batch_size=batch_size,
            image_size=size,
            steps=args.steps,
            measured_speed=measured,
            accuracies=accuracies),
        draw_accuracies(measured, accuracies)
        if accuracies else draw_speeds(measured),
        notes=[
            f'Mean and standard deviation of {args.runs} runs of {args.steps} '
            f'steps, batch {batch_size}, images of {size[0]} x {size[1]} '
            'pixels; ' + ', '.join(f'{key} {value}'
                                   for key, value in machine.items()) + '.'
        ])


if __name__ == '__main__':
    main()
