r"""Speed, memory and step ratios of every method, in a few minutes.

Trains the network of one config, DeiT-S, by no mixing, by every registered
mixer, and by label rules and guides on top, one after the other: in bfloat16,
channels last, on random images in memory. A step is mixing, the guide's pass,
forward, backward and the optimizer; the ratio is to the step without mixing.
Memory is the most that torch held at once for a step, beside the model and
the images.

Each method has an equal share of what is left of --minutes; those that are
not reached are named below the table, as are those that failed, for which the
exit code is 1. With --cuda-graphs half of the time is
for timing all once more, each step recorded where torch can and replayed:
mixing draws on the CPU, so that only network, losses and backward pass are in
the graphs. A method that they do not suit says why.

example: benchmark_gpu.py --minutes 9 --cuda-graphs --out work_dirs/gpu
"""
import sys
import time

import numpy as np
import torch

from mmmix.analysis.training_cost import (PRECISIONS, Training, environment,
                                          measure_steps, peak_bytes)
from mmmix.cli import add_cfg_options, build_model, command_parser, load_config
from mmmix.cli.methods import choose_mixers, mixer_names
from mmmix.cli.models import add_out, analysis_run
from mmmix.cli.step_methods import METHODS, step_configs, unmixed_config
from mmmix.errors import MmmixError
from mmmix.private import parts_without_cuda_graph
from mmmix.progress import track
from mmmix.visualization import write_report

CONFIG = 'smmix/deit-small_smmix_8xb128-300e_in1k.py'
UNMIXED = 'no mixing'
COLUMNS = ('method', 'images/s', '±', 'step, ms', f'step, x {UNMIXED}',
           'memory, MiB', 'images/s, CUDA graphs')


class Measurement:
    """Measures methods until the time is over; notes what happened to those
    that were not measured."""

    def __init__(self, args, configs, size):
        self.args = args
        self.configs = configs
        self.size = size
        self.device = torch.device(args.device)
        self.rows = {}
        self.notes = []
        self.failed = False

    def training(self, name):
        cfg = self.configs[name]
        return Training(
            build_model(cfg).to(self.device), cfg, self.args.batch_size,
            self.size, self.args.precision, not self.args.no_channels_last)

    def over(self, names, measure, what, end):
        """Measure some methods in turn, each in its share of the time."""
        late = []
        for i, name in enumerate(track(names, what, 'methods')):
            seconds = (end - time.perf_counter()) / (len(names) - i)
            if seconds <= 0:
                late.append(name)
                continue
            try:
                measure(name, seconds)
            except MmmixError as error:
                self.notes.append(f'{name} does not suit this network. '
                                  f'{error}')
            except torch.cuda.OutOfMemoryError:
                self.notes.append(f'{name} ({what}) does not fit into the '
                                  'memory: give a smaller --batch-size.')
            except Exception as error:  # the others are still of use
                self.failed = True
                self.notes.append(f'{name} ({what}) failed. '
                                  f'{first_line(error)}')
            if self.device.type == 'cuda':
                torch.cuda.empty_cache()
        if late:
            self.notes.append(f'Left out for lack of time ({what}): '
                              f'{", ".join(late)}.')

    def measure(self, name, seconds):
        training = self.training(name)
        row = measure_steps(training, seconds, self.args.steps, self.device)
        row['peak_bytes'] = peak_bytes(training.step, self.device)
        self.rows[name] = row

    def measure_graphs(self, name, seconds):
        """The same with CUDA graphs; whatever is wrong with them says so."""
        training = self.training(name)
        training.use_cuda_graphs()
        before = parts_without_cuda_graph()
        try:
            row = measure_steps(training, seconds, self.args.steps,
                                self.device)
        except torch.cuda.OutOfMemoryError:
            raise
        except Exception as error:
            self.notes.append(f'{name} has no CUDA graphs. '
                              f'{first_line(error)}')
        else:
            skipped = parts_without_cuda_graph() - before
            if skipped:
                self.notes.append(f'{name}: {skipped} parts of the step are '
                                  'not in CUDA graphs.')
            self.rows[name]['graphs'] = row
        finally:
            torch.compiler.reset()


def first_line(error):
    return f'{type(error).__name__}: {error}'.splitlines()[0]


def parse_args():
    parser = command_parser(__doc__)
    parser.add_argument(
        '--config',
        default=CONFIG,
        help=f'network and optimizer (default: {CONFIG})')
    parser.add_argument(
        '--methods',
        nargs='*',
        metavar='NAME',
        help=f'mixers, and of {", ".join(METHODS)}; default: all, beside '
        f'{UNMIXED}')
    parser.add_argument(
        '--minutes',
        type=float,
        default=9,
        help='begin nothing after this time (default: %(default)s)')
    parser.add_argument('--batch-size', type=int, default=128)
    parser.add_argument(
        '--image-size',
        type=int,
        nargs='+',
        metavar='PIXELS',
        help="height and width; by default the backbone's img_size, or 224")
    parser.add_argument(
        '--steps',
        type=int,
        default=30,
        help='timed of each method, at most (default: %(default)s)')
    parser.add_argument('--precision', choices=PRECISIONS, default='bfloat16')
    parser.add_argument('--no-channels-last', action='store_true')
    parser.add_argument('--cuda-graphs', action='store_true')
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    add_out(parser)
    add_cfg_options(parser)
    return parser.parse_args()


def read_configs(args):
    """Configs of the methods, by name; the first mixes nothing."""
    cfg = load_config(args.config, args.cfg_options)
    named = args.methods
    if named is None:
        named = [*mixer_names(), *METHODS]
    methods = [name for name in named if name in METHODS]
    others = [name for name in named if name not in METHODS]
    mixers = choose_mixers(cfg, others) if others else {}
    return {UNMIXED: unmixed_config(cfg), **step_configs(cfg, mixers, methods)}


def report(args, measurement):
    machine = environment(measurement.device)
    rows = measurement.rows
    base = rows.get(UNMIXED, {}).get('ms')
    table = [(name, row['images_per_second'], row['spread'], row['ms'],
              row['ms'] / base if base else None, row['peak_bytes'] / 2**20,
              row.get('graphs', {}).get('images_per_second'))
             for name, row in rows.items()]
    height, width = measurement.size
    layout = 'contiguous' if args.no_channels_last else 'channels last'
    notes = [
        f'Batch {args.batch_size}, images of {height} x {width} pixels, '
        f'{args.precision}, {layout}; median and standard deviation of up to '
        f'{args.steps} steps; ' +
        ', '.join(f'{key} {value}' for key, value in machine.items()) + '.',
        *measurement.notes
    ]
    write_report(
        args.out,
        'Speed of every method',
        COLUMNS,
        table,
        dict(
            environment=machine,
            settings=vars(args),
            measured_speed=rows,
            notes=notes),
        notes=notes)


def main():
    args = parse_args()
    with analysis_run(args):
        if min(args.batch_size, args.steps, args.minutes) <= 0:
            raise MmmixError('--batch-size, --steps and --minutes must be '
                             'positive.')
        if args.precision == 'float16' and args.device == 'cpu':
            raise MmmixError('float16 needs a GPU, since its loss is scaled: '
                             'give --precision bfloat16.')
        configs = read_configs(args)
        size = args.image_size or configs[UNMIXED].model.backbone.get(
            'img_size', 224)
        size = (np.atleast_1d(size).tolist() * 2)[:2]
        measurement = Measurement(args, configs, size)
        begin, seconds = time.perf_counter(), 60 * args.minutes
        measurement.over([*configs], measurement.measure, 'steps',
                         begin + seconds / (2 if args.cuda_graphs else 1))
        if args.cuda_graphs:
            report(args, measurement)  # graphs can end the process
            measurement.over([*measurement.rows], measurement.measure_graphs,
                             'CUDA graphs', begin + seconds)
        report(args, measurement)
    if measurement.failed:
        sys.exit(1)


if __name__ == '__main__':
    main()
