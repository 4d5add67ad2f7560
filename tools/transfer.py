"""Fine-tune a small backbone for segmentation and detection, from pretrained
and from random weights, and compare them.

Without arguments the whole chain runs offline on the built-in data: a small
ViT is pretrained with SMMix, then UperNet and Mask R-CNN start from it and
from random weights, with the same budget. With --data coco-tiny the
pretrained weights are given as NAME=CHECKPOINT.

The results of finished runs are in results.json and are not computed again:
repeat the command to go on after an interruption, delete the file to start
over.

examples:
  transfer.py
  transfer.py --seeds 0 1 --tasks segmentation
  transfer.py --data coco-tiny --seeds 0 1 --weights random \\
      smmix=work_dirs/vit-xs_smmix_1xb128-15e_tiny-imagenet-25/epoch_15.pth
"""
import argparse
import json
import sys
from collections import defaultdict
from copy import deepcopy
from itertools import product
from pathlib import Path
from statistics import mean

from rich.console import Console
from rich.table import Table

import mmmix  # noqa: F401
from mmmix.checkpoint import check_checkpoint
from mmmix.cli import add_cfg_options, load_config, user_errors
from mmmix.cli.progress import ProgressHook, train_with_progress
from mmmix.errors import MmmixError

PRETRAINING = '{method}/{backbone}_{method}_1xb64-10e_synthetic.py'
DOWNSTREAM = {  # in configs/downstream/small/, by task and data
    'segmentation': {
        'synthetic': 'upernet_{backbone}_1xb16-3e_synthetic.py',
        'coco-tiny': 'upernet_{backbone}_1xb4-6e_coco-tiny.py'
    },
    'detection': {
        'synthetic': 'mask-rcnn_{backbone}_fpn_1xb8-3e_synthetic.py',
        'coco-tiny': 'mask-rcnn_{backbone}_fpn_1xb4-4e_coco-tiny.py'
    },
}
# the name of a score, its metric, and the factor that makes it a percentage
SCORES = {
    'pretraining': {},
    'segmentation': {
        'mIoU': ('mIoU', 1)
    },
    'detection': {
        'box AP': ('coco/bbox_mAP', 100),
        'mask AP': ('coco/segm_mAP', 100)
    },
}
RANDOM = 'random'


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
        'under any name, or, for the synthetic data, a method such as smmix '
        'or cutmix, which is pretrained first (default: '
        f'{RANDOM} smmix)')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0])
    parser.add_argument(
        '--tasks', nargs='+', choices=[*DOWNSTREAM], default=[*DOWNSTREAM])
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('work_dirs/transfer'),
        help='where to save everything (default: work_dirs/transfer)')
    add_cfg_options(parser)
    add_cfg_options(parser, '--pretrain-options',
                    'the config of the pretraining')
    return parser.parse_args()


def read_weights(args):
    """The checkpoint of each name; None where there is none yet."""
    weights = {}
    for word in args.weights:
        name, given, checkpoint = word.partition('=')
        if not given and name != RANDOM and args.data != 'synthetic':
            raise MmmixError(
                f'--weights {word} has no checkpoint: write '
                f'{name}=work_dirs/.../epoch_N.pth. Only the synthetic data '
                f'is pretrained on here; {RANDOM} weights need none.')
        weights[name] = check_checkpoint(checkpoint) if given else None
    return weights


def train(name, task, cfg, console):
    """Train a config, and return what is kept of the run."""
    progress = ProgressHook(
        name,
        console,
        after_epoch=lambda runner: 'loss {:.3f}'.format(
            runner.message_hub.get_scalar('train/loss').mean(
                len(runner.train_dataloader))))
    runner = train_with_progress(cfg, progress)
    logged = runner.message_hub.log_scalars
    loss, steps = logged['train/loss'], len(runner.train_dataloader)
    # a detector that finds nothing has no metrics: its precision is 0
    scores = {
        score:
        factor * float(logged[f'val/{metric}'].current())
        if f'val/{metric}' in logged else 0.
        for score, (metric, factor) in SCORES[task].items()
    }
    return dict(
        first_epoch=float(loss.data[0][:steps].mean()),
        last_epoch=float(loss.mean(steps)),
        scores=scores,
        checkpoint=f'{cfg.work_dir}/epoch_{runner.epoch}.pth')


def print_table(rows, console):
    """Print means over the seeds of each task and weights."""
    scores = [score for task in SCORES.values() for score in task]
    table = Table(title='mean loss of an epoch, scores after the last one')
    for column in ('task', 'weights', 'loss, epoch 1', 'loss, last', *scores):
        table.add_column(column)
    groups = defaultdict(list)
    for row in rows:
        groups[row['task'], row['weights']].append(row)
    for names, runs in groups.items():
        table.add_row(
            *names,
            *(f'{mean(run[epoch] for run in runs):.3f}'
              for epoch in ('first_epoch', 'last_epoch')),
            *(f'{mean(run["scores"][score] for run in runs):.1f} %'
              if score in runs[0]['scores'] else '' for score in scores))
    console.print(table)


def main():
    args = parse_args()
    console = Console(file=sys.stdout)
    folder = args.out / args.data / args.backbone
    results = folder / 'results.json'
    done = json.loads(results.read_text()) if results.is_file() else {}

    def run(cfg, task, weights, seed):
        name = f'{task}, {weights}, seed {seed}'
        key = name.replace(', ', '_').replace(' ', '')
        if key in done:
            console.print(f'{name}: done before, in {results}', soft_wrap=True)
            return done[key]
        cfg = deepcopy(cfg)
        cfg.work_dir = str(folder / key)
        cfg.randomness = dict(seed=seed)
        done[key] = dict(
            task=task,
            weights=weights,
            seed=seed,
            **train(name, task, cfg, console))
        results.write_text(json.dumps(done, indent=1))
        return done[key]

    with user_errors():
        weights = read_weights(args)
        configs = {}  # all of them, before minutes of training
        for task in args.tasks:
            name = DOWNSTREAM[task][args.data].format(backbone=args.backbone)
            configs[task] = load_config(f'downstream/small/{name}',
                                        args.cfg_options)
        pretraining = {
            name:
            load_config(
                PRETRAINING.format(method=name, backbone=args.backbone),
                args.pretrain_options)
            for name, checkpoint in weights.items()
            if name != RANDOM and checkpoint is None
        }
    rows = []
    with user_errors():
        for name, cfg in pretraining.items():
            weights[name] = run(cfg, 'pretraining', name, 0)['checkpoint']
        for (task, cfg), (name, checkpoint) in product(configs.items(),
                                                       weights.items()):
            cfg = deepcopy(cfg)
            cfg.model.backbone.init_cfg = checkpoint and dict(
                cfg.model.backbone.init_cfg, checkpoint=checkpoint)
            rows += [run(cfg, task, name, seed) for seed in args.seeds]
    print_table(rows, console)
    console.print(f'All results: {results}', highlight=False, soft_wrap=True)


if __name__ == '__main__':
    main()
