"""Time the mixers, and what they cost in a training step.

Mixing is timed as a multiple of `inputs.clone()`, a training step as a
multiple of a CutMix step. In every repeat all are run one after the other, and
each time is divided by the reference's of the same repeat; the medians of
these ratios are reported, so that other load on the machine weighs little.

A guided mixer gets a random attention map when it is timed alone. In a step it
gets the guide's; the mixer alone is picked, with probability 1. A mixer that
the config uses brings the config's arguments along and, if it cuts and pastes,
the config's mix losses; the others train with the classification loss alone.
The methods after the mixers add a label rule, another guide or another view;
frozen extractors have random weights, which cost the same.

Peak memory is what torch's allocator held at most during one mix, beside the
inputs: from torch's profiler on a CPU, from max_memory_allocated on a GPU.
"""
import argparse
import copy
import json
import statistics
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmpretrain.structures import DataSample

from mmmix.analysis.timing import (
    environment,
    median_ratio,
    peak_bytes,
    time_interleaved,
)
from mmmix.cli.launch import (
    add_cfg_options,
    build_model,
    load_config,
    short_errors,
)
from mmmix.cli.mixers import config_mixers, default_mixer, mixer_names
from mmmix.registry import BATCH_AUGMENTS
from mmmix.structures import Guidance

CONFIG = 'smmix/deit-tiny_smmix_8xb128-300e_in1k.py'
REFERENCE = 'CutMix'
PATCH = 16  # pixels of a cell of the random attention map

SELF = dict(type='mmmix.SelfGuide')
# what is timed in a step beside the mixers: the mixer, and what is changed in
# `model.train_cfg` and `model.head`
METHODS = {
    'TransMix':
    ('CutMix', {}, dict(label_rule=dict(type='mmmix.TransMixLabel'))),
    'CutMix + PAL':
    ('CutMix', {},
     dict(label_rule=dict(type='mmmix.ProgressiveAttentionLabel'))),
    'MixPro': ('MaskMix', {},
               dict(label_rule=dict(type='mmmix.ProgressiveAttentionLabel'))),
    'SMMix, guide at half size': ('SMMix', dict(guide=dict(SELF, scale=0.5)),
                                  {}),
    'TdAttenMix':
    ('SMMix', dict(guide=dict(SELF, attention_map=dict(type='mmmix.TopDown'))),
     dict(label_rule=dict(type='mmmix.AreaAttentionLabel'))),
    'TdAttenMix, one pass':
    ('SMMix',
     dict(
         guide=dict(
             SELF, attention_map=dict(type='mmmix.TopDown', form='one_pass'))),
     dict(label_rule=dict(type='mmmix.AreaAttentionLabel'))),
    'AttentiveCutMix, ResNet-50':
    ('AttentiveCutMix',
     dict(
         guide=dict(
             type='mmmix.FrozenGuide',
             config='mmpretrain::resnet/resnet50_8xb32_in1k.py',
             input_size=224)), {}),
}


def time_mixing(mixers, args):
    """Time and peak memory of each mixer alone.

    Returns:
        dict[str, dict]: ``ms``, ``times_clone`` and ``peak_times_batch``.
    """
    device = torch.device(args.device)
    n, size = args.batch_size, args.image_size
    inputs = torch.rand(n, 3, *size, device=device)
    scores = torch.eye(1000, device=device)[torch.arange(n) % 1000]
    grid = [max(1, side // PATCH) for side in size]
    guidance = Guidance(
        attention=torch.rand(n, *grid, device=device), logits=scores)
    rng = np.random.default_rng(0)

    def run_of(mixer):
        return lambda: mixer.mix(inputs, scores, mixer.sample(rng, n, size),
                                 guidance)

    runs = dict(clone=inputs.clone)
    for name, cfg in mixers.items():
        runs[name] = run_of(BATCH_AUGMENTS.build(dict(cfg)))
    with torch.no_grad():
        seconds = time_interleaved(runs, args.repeats, device)
        return {
            name:
            dict(
                ms=1e3 * statistics.median(seconds[name]),
                times_clone=median_ratio(seconds[name], seconds['clone']),
                peak_times_batch=float(
                    peak_bytes(run, device) / inputs.nbytes))
            for name, run in runs.items()
        }


def step_configs(cfg, own, mixers, methods):
    """Model configs by name: each mixer, then each method.

    Args:
        cfg (Config): Where all else comes from.
        own (dict[str, dict]): Mixers that it trains with.
        mixers (dict[str, dict]): Mixers to time.
        methods (Sequence[str]): Names in METHODS.
    """
    recipes = {name: (mixer, {}, {}) for name, mixer in mixers.items()}
    for name in methods:
        mixer, guided, labelled = METHODS[name]
        recipes[name] = (own.get(mixer)
                         or default_mixer(mixer), guided, labelled)
    models = {}
    for name, (mixer, guided, labelled) in recipes.items():
        model = copy.deepcopy(cfg.model)
        model.train_cfg = dict(
            model.get('train_cfg') or {},
            augments=[mixer],
            probs=[1.],
            **guided)
        model.head.update(labelled)
        kind = BATCH_AUGMENTS.get(mixer['type'])
        if mixer not in own.values() or not getattr(kind, 'regions', False):
            model.head.pop('mix_losses', None)
        models[name] = model
    return models


def time_steps(cfg, models, args):
    """Time of a training step of each model.

    Args:
        cfg (Config): Where the optimizer comes from.
        models (dict[str, dict]): Model configs by name.
        args (argparse.Namespace): Of the tool.

    Returns:
        dict[str, dict]: ``ms`` and ``times_cutmix``.
    """
    device = torch.device(args.device)
    n = args.step_batch_size
    runs = {}
    for name, model in models.items():
        variant = copy.deepcopy(cfg)
        variant.model = model
        model = build_model(variant).to(device)
        model.train()
        optim_wrapper = build_optim_wrapper(model, {
            'type': 'OptimWrapper',
            **cfg.optim_wrapper
        })
        runs[name] = lambda data, m=model, o=optim_wrapper: m.train_step(
            data, o)
    num_classes = model.head.num_classes
    images = torch.randint(256, (n, 3, *args.image_size), dtype=torch.uint8)

    def data():
        # the preprocessor writes the mixed labels into the samples
        return dict(
            inputs=images,
            data_samples=[
                DataSample().set_gt_label(i % num_classes) for i in range(n)
            ]),

    seconds = time_interleaved(runs, args.repeats, device, prepare=data)
    return {
        name:
        dict(
            ms=1e3 * statistics.median(times),
            times_cutmix=median_ratio(times, seconds[REFERENCE]))
        for name, times in seconds.items()
    }


def print_markdown(mixing, steps):
    print('| mixer | mix, x clone | mix, ms | peak memory, x batch '
          '| step, x CutMix | step, ms |')
    print('|---|---:|---:|---:|---:|---:|')
    for name in {**mixing, **steps}:
        mix, step = mixing.get(name), steps.get(name)
        print(f'| {name} | ' +
              (f'{mix["times_clone"]:.2f} | {mix["ms"]:.1f} '
               f'| {mix["peak_times_batch"]:.2f} | ' if mix else '| | | ') +
              (f'{step["times_cutmix"]:.2f} | {step["ms"]:.0f} |'
               if step else '| |'))


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--config',
        default=CONFIG,
        help=f'model and optimizer of the step (default: {CONFIG})')
    parser.add_argument(
        '--mixers',
        nargs='+',
        metavar='NAME',
        default=mixer_names(),
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
    with short_errors(ValueError):
        cfg = load_config(args.config, args.cfg_options)
        own = config_mixers(cfg)
        mixers = {
            name: own.get(name) or default_mixer(name)
            for name in args.mixers
        }
        mixing = time_mixing(mixers, args)
        steps = {}
        if args.step_batch_size:
            reference = own.get(REFERENCE) or default_mixer(REFERENCE)
            models = step_configs(cfg, own, {
                REFERENCE: reference,
                **mixers
            }, args.methods)
            steps = time_steps(cfg, models, args)
    settings = vars(args)
    machine = environment(torch.device(args.device))
    print(', '.join(f'{key} {value}' for key, value in machine.items()))
    print_markdown(mixing, steps)
    if args.out:
        Path(args.out).write_text(
            json.dumps(
                dict(
                    environment=machine,
                    settings=settings,
                    mixing=mixing,
                    steps=steps),
                indent=2))


if __name__ == '__main__':
    main()
