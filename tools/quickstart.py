"""Train without mixing, with CutMix and with SMMix on the built-in data, and
compare accuracy and how much of the attention is on the objects.

Saves a checkpoint of each, results.json and a picture of mixed images.
"""
import time
from pathlib import Path

import mmengine
import torch
from mmengine.device import get_device

from mmmix.analysis import (ModelMap, TrainedModel, choose_images,
                            measure_attention_in_boxes, mix_pairs)
from mmmix.analysis.attention_in_boxes import mean_attention
from mmmix.analysis.training_cost import environment
from mmmix.cli import add_cfg_options, command_parser, load_config, user_errors
from mmmix.cli.methods import guided_methods
from mmmix.cli.progress import train_with_progress
from mmmix.visualization import draw_pairs, markdown_table

CONFIGS = {
    'no mixing': 'vanilla/vit-xxs_vanilla_1xb64-120e_synthetic-250.py',
    'CutMix': 'cutmix/vit-xxs_cutmix_1xb64-120e_synthetic-250.py',
    'SMMix': 'smmix/vit-xxs_smmix_1xb64-120e_synthetic-250.py',
}
MAP = 'BottomUp'  # of the model itself, by which SMMix is guided


def train(name, config, args):
    """Train one config, and return its runner and its row of the table.

    The speed is that of the steps alone, without data loading, validation and
    the first epoch, which warms up.
    """
    cfg = load_config(config, args.cfg_options)
    cfg.work_dir = str(args.work_dir / name.lower().replace(' ', '_'))
    cfg.randomness = dict(seed=args.seed)
    if args.epochs is not None:
        cfg.train_cfg.max_epochs = args.epochs
    runner = train_with_progress(cfg, name)
    loader, logged = runner.train_dataloader, runner.message_hub.log_scalars
    seconds = logged['train/time'].data[0] - logged['train/data_time'].data[0]
    step = float(seconds[len(loader):].mean())
    checkpoint = f'{cfg.work_dir}/epoch_{runner.epoch}.pth'
    return runner, dict(
        method=name,
        accuracy=float(logged['val/accuracy/top1'].current()),
        attention_gain=attention_gain(
            TrainedModel(name, cfg, checkpoint, runner.model.eval()),
            runner.val_dataloader.dataset),
        epochs=runner.max_epochs,
        images_per_second=len(loader.dataset) / len(loader) / step,
        seconds_per_step=step,
        checkpoint=checkpoint)


def attention_gain(trained, dataset):
    """The share of the attention in the boxes of the objects, divided by that
    of the area: 1 is attention without aim."""
    found = measure_attention_in_boxes(trained, [ModelMap(MAP)], dataset,
                                       choose_images(dataset))
    return mean_attention(found)[MAP]['gain']


def parse_args():
    parser = command_parser(__doc__)
    parser.add_argument(
        '--epochs',
        type=int,
        help='of each training (default: those of the configs)')
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs/quickstart'),
        help='where to save everything (default: work_dirs/quickstart)')
    parser.add_argument('--seed', type=int, default=0)
    add_cfg_options(parser)
    args = parser.parse_args()
    if args.epochs is not None and args.epochs < 2:
        parser.error(f'--epochs {args.epochs}: must be at least 2, because '
                     'the first warms up')
    return args


def main():
    args = parse_args()
    results = args.work_dir / 'results.json'
    if results.exists():
        print(f'Training again; {args.work_dir} is overwritten.')
    rows, begin = [], time.perf_counter()
    with user_errors():
        for name, config in CONFIGS.items():
            runner, row = train(name, config, args)
            rows.append(row)
    table = [(row['method'],
              f'{row["accuracy"]:.1f} %', f'{row["attention_gain"]:.2f} x',
              round(row['images_per_second']),
              f'{row["seconds_per_step"] / rows[0]["seconds_per_step"]:.2f} x')
             for row in rows]
    print('\nvalidation accuracy, attention on the objects (1 x is without '
          'aim) and speed\n')
    print(
        markdown_table(
            ('method', 'accuracy', 'attention', 'images/s', 'time per step'),
            table))

    # the model trained last, SMMix's, is the guide
    methods = guided_methods(['CutMix', 'SMMix'],
                             [CONFIGS['SMMix'], rows[-1]['checkpoint']],
                             args.cfg_options)
    pairs = mix_pairs(methods, runner.train_dataloader.dataset, seed=args.seed)
    picture = args.work_dir / 'mixed_images.png'
    draw_pairs(pairs).savefig(picture, dpi=150, bbox_inches='tight')
    machine = environment(torch.device(get_device()))
    mmengine.dump(
        dict(results=rows, seed=args.seed, environment=machine),
        results,
        indent=2)
    print(f'{time.perf_counter() - begin:.0f} s in all, on ' +
          ', '.join(f'{key} {value}' for key, value in machine.items()) + '.')
    for what, path in (('mixed images', picture), ('results', results),
                       *((f'{row["method"]} checkpoint', row['checkpoint'])
                         for row in rows)):
        print(f'{what:<22}{path}')


if __name__ == '__main__':
    main()
