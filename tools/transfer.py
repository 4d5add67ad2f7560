"""Fine-tune a small backbone for segmentation and detection, from pretrained
and from random weights, and compare them.

Without arguments the whole chain runs offline on the built-in data: a small
ViT is pretrained with SMMix, then UperNet and Mask R-CNN start from it and
from random weights, with the same budget. With --data coco-tiny the
pretrained weights are given as NAME=CHECKPOINT.

What is finished is kept: repeat a command to go on. Each run leaves
result.json (the loss of every step, the scores) in its folder, and all of them
are in OUT/results.json.

examples:
  transfer.py
  transfer.py --seeds 0 1 --tasks segmentation
  transfer.py --data coco-tiny --seeds 0 1 --weights random \\
      smmix=work_dirs/vit-xs_smmix_1xb128-15e_tiny-imagenet-25/epoch_15.pth
"""
import argparse
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mmmix.checkpoint import check_checkpoint
from mmmix.cli.launch import add_cfg_options, load_config, short_errors
from mmmix.cli.transfer import (
    DECODERS,
    RANDOM,
    SCORES,
    config_name,
    keep_error,
    train_recorded,
    write_whole,
)
from mmmix.errors import MmmixError

# What the built-in data is pretrained with, by the name of the weights.
PRETRAINING = {
    method: f'{method}/{{backbone}}_{method}_1xb64-10e_synthetic.py'
    for method in ('smmix', 'cutmix')
}


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--data', choices=['synthetic', 'coco-tiny'], default='synthetic')
    parser.add_argument('--backbone', default='vit-xs')
    parser.add_argument(
        '--weights',
        nargs='+',
        default=[RANDOM, 'smmix'],
        metavar='NAME[=CHECKPOINT]',
        help=f'where backbones start: {RANDOM}, a classification checkpoint '
        'under any name, or, for the synthetic data, '
        f'{" or ".join(PRETRAINING)}, which are pretrained first (default: '
        f'{RANDOM} smmix)')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0])
    parser.add_argument(
        '--tasks', nargs='+', choices=[*DECODERS], default=[*DECODERS])
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('work_dirs/transfer'),
        help='where to save everything (default: work_dirs/transfer)')
    add_cfg_options(parser)
    parser.add_argument(
        '--pretrain-options',
        nargs='+',
        action=type(parser._option_string_actions['--cfg-options']),
        metavar='KEY=VALUE',
        help='the same for the config of the pretraining')
    return parser.parse_args()


def read_weights(args):
    """The checkpoint of each name; None where there is none yet."""
    weights = {}
    for word in args.weights:
        name, given, checkpoint = word.partition('=')
        if name in weights:
            raise MmmixError(f'--weights has {name} twice.')
        if given:
            if name == RANDOM:
                raise MmmixError(f'--weights {word}: {RANDOM} weights come '
                                 'from no checkpoint; choose another name.')
            checkpoint = check_checkpoint(checkpoint)
        elif name != RANDOM and (args.data != 'synthetic'
                                 or name not in PRETRAINING):
            raise MmmixError(
                f'--weights {word} names no checkpoint: write '
                f'{name}=work_dirs/.../epoch_N.pth. Without one there are '
                f'{RANDOM}, and for the synthetic data '
                f'{", ".join(PRETRAINING)}.')
        weights[name] = checkpoint or None
    return weights


def compare(rows, seeds, console):
    """Print the table, and whether pretraining helped from the start."""
    scores = [score for task in SCORES.values() for score in task]
    title = 'fine-tuning with the same budget: mean loss of an epoch, scores'
    if len(seeds) > 1:
        title += f', means of {len(seeds)} seeds'
    table = Table(title=title)
    for column in ('task', 'weights'):
        table.add_column(column)
    for column in ('loss, epoch 1', 'loss, last', *scores):
        table.add_column(column, justify='right')
    means = {}
    for row in rows:
        means.setdefault((row['task'], row['weights']), []).append(row)
    means = {
        key:
        dict(
            first=average(r['first_epoch'] for r in group),
            last=average(r['last_epoch'] for r in group),
            **{
                s: average(r['scores'][s] for r in group)
                for s in group[0]['scores']
            })
        for key, group in means.items()
    }
    for (task, weights), mean in means.items():
        table.add_row(
            task, weights, f'{mean["first"]:.3f}', f'{mean["last"]:.3f}',
            *(f'{mean[s]:.1f} %' if s in mean else '' for s in scores))
    console.print(table)
    for (task, weights), mean in means.items():
        other = means.get((task, RANDOM))
        if other and weights != RANDOM:
            word = 'below' if mean['first'] < other['first'] else 'NOT below'
            console.print(
                f'{task}: mean loss of the first epoch from {weights} weights '
                f'{word} that from {RANDOM} weights.',
                highlight=False,
                soft_wrap=True)


def average(values):
    values = list(values)
    return sum(values) / len(values)


def main():
    args = parse_args()
    console = Console(file=sys.stdout)
    begin = time.perf_counter()
    with short_errors(ValueError):
        weights = read_weights(args)
        # before minutes of training, which must not notice later changes
        configs = {
            task:
            load_config(
                config_name(args.backbone, task, args.data), args.cfg_options)
            for task in args.tasks
        }
        pretraining = {
            name:
            load_config(PRETRAINING[name].format(backbone=args.backbone),
                        args.pretrain_options)
            for name, checkpoint in weights.items()
            if name in PRETRAINING and checkpoint is None
        }
    base = args.out / args.data / args.backbone
    rows, failed = [], []

    def attempt(name, folder, **kwargs):
        try:
            return train_recorded(
                name, work_dir=base / folder, console=console, **kwargs)
        except Exception as error:  # the others still run
            failed.append(name)
            console.print(
                f'{name} failed: {keep_error(base / folder, error)}',
                markup=False,
                soft_wrap=True)

    for name, cfg in pretraining.items():
        record = attempt(
            f'pretraining, {name}',
            f'pretraining_{name}',
            cfg=cfg,
            seed=0,
            checkpoint=None,
            task='pretraining')
        weights[name] = record and record['checkpoint']
    for task in args.tasks:
        for name, checkpoint in weights.items():
            if name != RANDOM and checkpoint is None:
                continue  # its pretraining failed
            for seed in args.seeds:
                record = attempt(
                    f'{task}, {name}, seed {seed}',
                    f'{task}_{name}_seed{seed}',
                    cfg=configs[task],
                    seed=seed,
                    checkpoint=checkpoint,
                    task=task)
                if record:
                    rows.append(dict(record, task=task, weights=name))
                    write_whole(rows, base / 'results.json')
    if rows:
        compare(rows, args.seeds, console)
        console.print(
            f'All of it: {base / "results.json"}',
            highlight=False,
            soft_wrap=True)
    console.print(f'{time.perf_counter() - begin:.0f} s in all.')
    if failed:
        sys.exit(f'error: {len(failed)} failed: {"; ".join(failed)}')


if __name__ == '__main__':
    main()
