"""Training speed, memory and parameters of several methods on one backbone.

MixPro, Table 2, and the axes of SMMix's and TdAttenMix's Fig. 1: images a
second through a whole training step, which is mixing, the guide's pass,
forward, backward and the optimizer, each method mixing as often as its config
says. The images are random and in memory, so loading is not in it. The runs
of the methods alternate, and the ratio to the first config is taken within a
run; with CutMix first, the columns are ratios to CutMix.

Parameters count what an iteration needs: the model and, beside it, a frozen
extractor. Memory is the most that torch held at once for one step, beside the
model and the images.

example: benchmark_training.py \\
             cutmix/vit-xs_cutmix_1xb128-15e_tiny-imagenet-25.py \\
             smmix/vit-xs_smmix_1xb128-15e_tiny-imagenet-25.py \\
             --runs 2 --steps 2
"""
import argparse
import statistics
from pathlib import Path

import torch
from matplotlib.figure import Figure
from mmengine.device import get_device
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmpretrain.structures import DataSample

from mmmix.analysis.timing import environment, peak_bytes, time_interleaved
from mmmix.analysis.trained_model import short_names
from mmmix.cli.launch import (
    add_cfg_options,
    build_model,
    load_config,
    short_errors,
)
from mmmix.errors import MmmixError
from mmmix.models import FrozenGuide
from mmmix.visualization import write_report

COLUMNS = ('method', 'images/s', '±', 'speed, x first', 'step, x first',
           'memory, MiB', 'memory, x first', 'parameters, M')


class Training:
    """The steps of one config, on images that stay in memory.

    Args:
        cfg (Config): Model and optimizer.
        batch_size (int): Images a step.
        size (Sequence[int]): Their height and width.
        device (torch.device): Where it trains.
    """

    def __init__(self, cfg, batch_size, size, device):
        self.model = build_model(cfg).to(device).train()
        self.optim_wrapper = build_optim_wrapper(self.model, {
            'type': 'OptimWrapper',
            **cfg.optim_wrapper
        })
        self.images = torch.randint(
            256, (batch_size, 3, *size), dtype=torch.uint8)
        self.num_classes = self.model.head.num_classes

    def step(self):
        """One iteration of a training."""
        # the preprocessor writes the mixed labels into the samples
        samples = [
            DataSample().set_gt_label(i % self.num_classes)
            for i in range(len(self.images))
        ]
        self.model.train_step(
            dict(inputs=self.images, data_samples=samples), self.optim_wrapper)

    def parameters(self):
        """Number of parameters, those of a frozen extractor included."""
        guide = getattr(self.model.data_preprocessor, 'guide', None)
        models = [self.model] + [
            part.model for part in (guide.parts if guide else ())
            if isinstance(part, FrozenGuide)
        ]
        return sum(p.numel() for model in models for p in model.parameters())


def measure(trainings, runs, steps, device):
    """Speed, memory and parameters of each training by name.

    Args:
        trainings (dict[str, Training]): The first is the reference.
        runs (int): How often each is timed.
        steps (int): Steps of a run.
        device (torch.device): Where they train.
    """

    def several(training):
        return lambda: [training.step() for _ in range(steps)]

    seconds = time_interleaved(
        {
            name: several(one)
            for name, one in trainings.items()
        },
        runs,
        device,
        warm_up=1)
    reference, *_ = seconds.values()
    measured = {}
    for name, training in trainings.items():
        images = steps * len(training.images)
        speeds = [images / s for s in seconds[name]]
        ratios = [s / r for s, r in zip(seconds[name], reference)]
        measured[name] = dict(
            images_per_second=speeds,
            mean=statistics.mean(speeds),
            spread=statistics.stdev(speeds) if runs > 1 else 0.,
            times_step=statistics.mean(ratios),
            times_speed=statistics.mean(1 / ratio for ratio in ratios),
            # a step may mix or not: the most of several
            peak_bytes=max(
                peak_bytes(training.step, device) for _ in range(3)),
            parameters=training.parameters())
    return measured


def fitting(configs, batch_size, size, device):
    """Trainings by name, with half the batch as often as memory demands."""
    while True:
        try:
            trainings = {
                name: Training(cfg, batch_size, size, device)
                for name, cfg in configs.items()
            }
            for training in trainings.values():
                training.step()
            return trainings, batch_size
        except torch.cuda.OutOfMemoryError:
            if batch_size == 1:
                raise
            del trainings
            torch.cuda.empty_cache()
            batch_size //= 2


def draw(measured, reference):
    """Speed of each method, and the reference's as a line."""
    figure = Figure(figsize=(6, .4 * len(measured) + 1))
    axes = figure.subplots()
    names = [*measured][::-1]
    axes.barh(
        names, [measured[name]['mean'] for name in names],
        xerr=[measured[name]['spread'] for name in names],
        color='#0072b2')
    axes.axvline(measured[reference]['mean'], color='#d55e00', label=reference)
    axes.set_xlabel('images per second')
    axes.legend(loc='lower left')
    return figure


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'configs',
        nargs='+',
        metavar='CONFIG',
        help='the first is the '
        'reference of the ratios')
    parser.add_argument(
        '--names',
        nargs='+',
        metavar='NAME',
        help='what to call each; by '
        'default what tells the configs apart')
    parser.add_argument(
        '--batch-size',
        type=int,
        default=128,
        help='halved where the memory '
        'of a GPU does not suffice (default: %(default)s)')
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
        help='of a run; enough of them that '
        'a mixer with a probability of one half is met about half of the time '
        '(default: %(default)s)')
    parser.add_argument(
        '--out',
        metavar='PATH',
        help='write PATH.json, PATH.md and PATH.png',
        default='work_dirs/benchmark_training')
    add_cfg_options(parser)
    return parser.parse_args()


def size_of(args, configs):
    """Height and width of the images.

    Raises:
        ValueError: If neither the command line nor the first config says.
    """
    first = next(iter(configs.values()))
    size = args.image_size or first.model.backbone.get('img_size')
    if size is None:
        raise MmmixError('The first config does not say how large its images '
                         'are: give --image-size HEIGHT [WIDTH].')
    size = [size] if isinstance(size, int) else list(size)
    return (size * 2)[:2]


def main():
    args = parse_args()
    torch.manual_seed(0)
    MMLogger.get_current_instance().setLevel('ERROR')
    device = torch.device(get_device())
    with short_errors(ValueError):
        if min(args.batch_size, args.runs, args.steps) < 1:
            raise MmmixError('--batch-size, --runs and --steps must be at '
                             'least 1.')
        names = args.names or short_names(args.configs,
                                          ['.'] * len(args.configs))
        if len(set(names)) != len(args.configs):
            raise MmmixError(f'--names must give {len(args.configs)} '
                             f'different names, not {" ".join(names)}.')
        configs = {
            name: load_config(config, args.cfg_options)
            for name, config in zip(names, args.configs)
        }
        size = size_of(args, configs)
        trainings, batch_size = fitting(configs, args.batch_size, size, device)
    measured = measure(trainings, args.runs, args.steps, device)
    first = measured[names[0]]
    machine = environment(device)
    write_report(
        Path(args.out),
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
            measured_speed=measured),
        draw(measured, names[0]),
        notes=[
            f'Mean and standard deviation of {args.runs} runs of {args.steps} '
            f'steps, batch {batch_size}, images of {size[0]} x {size[1]} '
            'pixels; ' + ', '.join(f'{key} {value}'
                                   for key, value in machine.items()) + '.'
        ])


if __name__ == '__main__':
    main()
