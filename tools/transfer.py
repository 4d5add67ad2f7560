r"""Fine-tune a small backbone for segmentation and detection, from pretrained
and from random weights, and compare them.

Without arguments the whole chain runs offline on the built-in data: a small
ViT is pretrained with SMMix, then UperNet and Mask R-CNN start from it and
from random weights, with the same budget. With --data coco-tiny the
pretrained weights are given as NAME=CHECKPOINT.

The results of finished runs are in results.json and are not computed again:
repeat the command to go on after an interruption, delete the file to start
over.

Examples:
  transfer.py
  transfer.py --seeds 0 1 --tasks segmentation
  transfer.py --data coco-tiny --seeds 0 1 --weights random \
      smmix=work_dirs/vit-xs_smmix_1xb128-15e_tiny-imagenet-25/epoch_15.pth
"""
import json
from copy import deepcopy
from itertools import groupby, product
from operator import itemgetter
from pathlib import Path
from statistics import mean

from mmengine.config import Config

import mmmix  # noqa: F401
from mmmix.checkpoint import check_checkpoint
from mmmix.cli import add_cfg_options, command_parser, load_config, user_errors
from mmmix.cli.progress import train_with_progress
from mmmix.errors import MmmixError
from mmmix.visualization import markdown_table

RANDOM = 'random'
PRETRAINING = '{method}/{backbone}_{method}_1xb64-10e_synthetic.py'
# of a task: its configs in configs/downstream/small by data; name and metric
# of its scores, and what makes them a percentage
TASKS = {
    'segmentation': ({
        'synthetic': 'upernet_{backbone}_1xb16-3e_synthetic.py',
        'coco-tiny': 'upernet_{backbone}_1xb4-6e_coco-tiny.py'
    }, [('mIoU', 'mIoU', 1)]),
    'detection': ({
        'synthetic': 'mask-rcnn_{backbone}_fpn_1xb8-3e_synthetic.py',
        'coco-tiny': 'mask-rcnn_{backbone}_fpn_1xb4-4e_coco-tiny.py'
    }, [('box AP', 'coco/bbox_mAP', 100), ('mask AP', 'coco/segm_mAP', 100)]),
}


def parse_args():
    parser = command_parser(__doc__)
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
    parser.add_argument('--tasks', nargs='+', choices=TASKS, default=[*TASKS])
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('work_dirs/transfer'),
        help='where to save everything (default: work_dirs/transfer)')
    add_cfg_options(parser)
    add_cfg_options(parser, '--pretrain-options',
                    'the config of the pretraining')
    return parser.parse_args()


def read_configs(args):
    """All configs, before minutes of training: the checkpoint of each name,
    or the config of its pretraining; and the config of each task."""
    configs = {
        task:
        load_config(
            'downstream/small/' +
            TASKS[task][0][args.data].format(backbone=args.backbone),
            args.cfg_options)
        for task in args.tasks
    }
    weights = {}
    for word in args.weights:
        name, given, checkpoint = word.partition('=')
        if name in weights:
            raise MmmixError(f'--weights has the name {name} twice; results '
                             'are kept under it: give each its own.')
        if given:
            weights[name] = check_checkpoint(checkpoint)
        elif name == RANDOM:
            weights[name] = None
        elif args.data != 'synthetic':
            raise MmmixError(
                f'--weights {word} has no checkpoint: write '
                f'{name}=work_dirs/.../epoch_N.pth. Only the synthetic data '
                f'is pretrained on here; {RANDOM} weights need none.')
        else:
            weights[name] = load_config(
                PRETRAINING.format(method=name, backbone=args.backbone),
                args.pretrain_options)
    if args.pretrain_options and not any(
            isinstance(start, Config) for start in weights.values()):
        raise MmmixError('--pretrain-options has nothing to change, because '
                         'no --weights is a method that is pretrained here.')
    return weights, configs


def plan(args, folder):
    """All runs in their order, under the key of their results: what they are
    known by and depend on, and their config."""
    weights, configs = read_configs(args)
    runs = {}

    def add(cfg, task, name, seed, **given):
        key = f'{task}_{name}_seed{seed}'
        cfg.work_dir = str(folder / key)
        cfg.randomness = dict(seed=seed)
        runs[key] = dict(task=task, weights=name, seed=seed, **given), cfg

    for name, cfg in weights.items():
        if isinstance(cfg, Config):
            add(cfg, 'pretraining', name, 0, options=args.pretrain_options)
            weights[name] = (
                f'{cfg.work_dir}/epoch_{cfg.train_cfg.max_epochs}.pth')
    words = dict(zip(weights, args.weights))
    for task, name, seed in product(configs, weights, args.seeds):
        cfg = deepcopy(configs[task])
        cfg.model.backbone.init_cfg = weights[name] and dict(
            cfg.model.backbone.init_cfg, checkpoint=weights[name])
        add(cfg, task, name, seed, start=words[name], options=args.cfg_options)
    return runs


def check_done(runs, done, results):
    """Refuse results of the same name that were trained otherwise."""
    for key in filter(done.get, runs):
        # as JSON has it, without tuples
        for what, now in json.loads(json.dumps(runs[key][0])).items():
            before = done[key].get(what)
            if before != now:
                raise MmmixError(
                    f'{results} has {key}, trained with {what} {before}, not '
                    f'{now}: give the weights another name, or write to '
                    'another folder with --out.')


def train(name, cfg, scores):
    """Train a config, and return what is kept of the run."""
    runner = train_with_progress(cfg, name)
    logged = runner.message_hub.log_scalars
    loss, steps = logged['train/loss'], len(runner.train_dataloader)
    return dict(
        first_epoch=float(loss.data[0][:steps].mean()),
        last_epoch=float(loss.mean(steps)),
        # a detector that finds nothing has no metrics: its precision is 0
        scores={
            score:
            factor * float(logged[f'val/{metric}'].current())
            if f'val/{metric}' in logged else 0.
            for score, metric, factor in scores
        },
        checkpoint=f'{cfg.work_dir}/epoch_{runner.epoch}.pth')


def print_table(rows):
    """Print means over the seeds of each task and weights."""
    scores = [score for _, own in TASKS.values() for score, *_ in own]
    table = []
    for names, runs in groupby(rows, itemgetter('task', 'weights')):
        runs = [*runs]
        table.append([
            *names, *(f'{mean(run[epoch] for run in runs):.3f}'
                      for epoch in ('first_epoch', 'last_epoch')),
            *(f'{mean(run["scores"][score] for run in runs):.1f} %'
              if score in runs[0]['scores'] else '' for score in scores)
        ])
    print('\nmean loss of an epoch, scores after the last one\n')
    print(
        markdown_table(
            ('task', 'weights', 'loss, epoch 1', 'loss, last', *scores),
            table))


def main():
    args = parse_args()
    folder = args.out / args.data / args.backbone
    results = folder / 'results.json'
    done = json.loads(results.read_text()) if results.is_file() else {}

    with user_errors():
        runs = plan(args, folder)
        check_done(runs, done, results)
        for key, (known, cfg) in runs.items():
            name = '{task}, {weights}, seed {seed}'.format(**known)
            if key in done:
                print(f'{name}: done before, in {results}')
                continue
            _, scores = TASKS.get(known['task'], ('', []))
            done[key] = dict(known, **train(name, cfg, scores))
            results.write_text(json.dumps(done, indent=1))
    print_table([
        done[key] for key, (known, _) in runs.items() if known['task'] in TASKS
    ])
    print(f'All results: {results}')


if __name__ == '__main__':
    main()
