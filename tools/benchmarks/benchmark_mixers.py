"""Time the mixers, and what they cost in a training step.

Mixing is timed as a multiple of `inputs.clone()`, a training step as a
multiple of a CutMix step. In every repeat all are run one after the other, and
each time is divided by the reference's of the same repeat; the medians of
these ratios are reported, so that other load on the machine weighs little.

A guided mixer gets random maps when it is timed alone; to make a map of the
image counts. In a step it gets the guide's; the mixer alone is picked, with
probability 1. A mixer that the config uses brings the config's arguments along
and, if it cuts and pastes, the config's mix losses; the others train with the
classification loss alone.
The methods after the mixers add a label rule, another guide or another
attention map; frozen extractors have random weights, which cost the same.

ManifoldMix and others that mix inside of a network mix the images when they
are timed alone, as if these were the features. A mixer whose defaults do not
suit the config's network is timed alone only, unless it was asked for.

Peak memory is what torch held at most during one mix, beside the inputs.
"""
import mmengine
import torch
from mmengine.logging import MMLogger

from mmmix.analysis.training_cost import (Training, environment,
                                          image_guidance, time_against,
                                          time_mixing)
from mmmix.cli import (add_cfg_options, build_model, command_parser,
                       load_config, user_errors)
from mmmix.cli.methods import choose_mixers, mixer_names
from mmmix.cli.step_methods import IMAGE_MAP, METHODS, step_configs
from mmmix.errors import MmmixError
from mmmix.registry import BATCH_AUGMENTS
from mmmix.visualization import markdown_table

CONFIG = 'smmix/deit-tiny_smmix_8xb128-300e_in1k.py'
REFERENCE = 'CutMix'
COLUMNS = ('mixer', 'mix, x clone', 'mix, ms', 'peak memory, x batch',
           'step, x CutMix', 'step, ms')


def step_runs(cfg, mixers, args):
    """A training step by name: of each mixer, then of each of METHODS that was
    asked for, all with the optimizer of the config."""
    runs = {}
    for name, variant in step_configs(cfg, mixers, args.methods).items():
        try:
            built = build_model(variant)
        except MmmixError as error:
            if args.mixers or name in args.methods:
                raise
            print(f'{name} is not timed in a step. {error}')
            continue
        runs[name] = Training(
            built.to(args.device), cfg, args.step_batch_size,
            args.image_size).step
    return runs


def parse_args():
    parser = command_parser(__doc__)
    parser.add_argument(
        '--config',
        default=CONFIG,
        help=f'model and optimizer of the step (default: {CONFIG})')
    parser.add_argument(
        '--mixers',
        nargs='+',
        metavar='NAME',
        help='default: every registered one')
    parser.add_argument(
        '--methods',
        nargs='*',
        metavar='NAME',
        choices=METHODS,
        default=[*METHODS],
        help=f'timed in a step beside the mixers: {", ".join(METHODS)} '
        '(default: all)')
    parser.add_argument(
        '--batch-size', type=int, default=128, help='of mixing alone')
    parser.add_argument(
        '--step-batch-size', type=int, default=32, help='0 times no steps')
    parser.add_argument(
        '--image-size', type=int, nargs='+', default=[224], help='[height] w')
    parser.add_argument('--repeats', type=int, default=20)
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--out', metavar='FILE', help='save a JSON here')
    add_cfg_options(parser)
    args = parser.parse_args()
    args.image_size = (args.image_size * 2)[:2]
    return args


def main():
    args = parse_args()
    torch.manual_seed(0)
    MMLogger.get_current_instance().setLevel('WARNING')
    device = torch.device(args.device)
    with user_errors():
        cfg = load_config(args.config, args.cfg_options)
        mixers = choose_mixers(cfg, args.mixers or mixer_names())
        alone = dict(mixers)
        if 'SaliencyMix' in mixers:
            alone[IMAGE_MAP] = mixers['SaliencyMix']
        mixing = time_mixing(
            {
                name: BATCH_AUGMENTS.build(dict(mixer))
                for name, mixer in alone.items()
            },
            args.batch_size,
            args.image_size,
            args.repeats,
            device,
            guides={IMAGE_MAP: image_guidance})
        steps = {}
        if args.step_batch_size:
            mixers = {**choose_mixers(cfg, [REFERENCE]), **mixers}
            steps = time_against(REFERENCE, step_runs(cfg, mixers, args),
                                 args.repeats, device)
    machine = environment(device)
    print(', '.join(f'{key} {value}' for key, value in machine.items()))
    measured = [(mixing, ('times_clone', 'ms', 'peak_times_batch')),
                (steps, ('times_cutmix', 'ms'))]
    print(
        markdown_table(COLUMNS, [(name, *(part.get(name, {}).get(key)
                                          for part, keys in measured
                                          for key in keys))
                                 for name in mixing | steps]))
    if args.out:
        content = dict(
            environment=machine,
            settings=vars(args),
            mixing=mixing,
            steps=steps)
        mmengine.dump(content, args.out, 'json', indent=2)


if __name__ == '__main__':
    main()
