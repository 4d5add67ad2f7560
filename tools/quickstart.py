"""Train SMMix and the CutMix baseline on the built-in data, and compare them,
also on images of which half is lost.

Saves a checkpoint of each, results.json and a picture of mixed images.
"""
import argparse
import time
from pathlib import Path

import mmengine
import torch
from mmengine.device import get_device

from mmmix.analysis import (Occlusion, TrainedModel, accuracy_under_occlusion,
                            choose_images, mix_pairs)
from mmmix.analysis.training_cost import environment
from mmmix.cli import add_cfg_options, load_config, user_errors
from mmmix.cli.methods import guided_methods
from mmmix.cli.progress import train_with_progress
from mmmix.visualization import draw_pairs, markdown_table

CONFIGS = {
    'CutMix': 'cutmix/vit-xs_cutmix_1xb64-10e_synthetic.py',
    'SMMix': 'smmix/vit-xs_smmix_1xb64-10e_synthetic.py',
}
EPOCHS = 4  # with the environment six minutes on two slow cores
HALF = Occlusion(grid=(8, 8), ratios=(0.5, ), drop=('random', ))


def train(name, config, args):
    """Train one config, and return its runner and its row of the table.

    The speed is that of the steps alone, without data loading, validation and
    the first epoch, which warms up.
    """
    cfg = load_config(config, args.cfg_options)
    cfg.work_dir = str(args.work_dir / name.lower())
    cfg.randomness = dict(seed=args.seed)
    cfg.train_cfg.max_epochs = args.epochs
    runner = train_with_progress(cfg, name)
    logged = runner.message_hub.log_scalars
    seconds = logged['train/time'].data[0] - logged['train/data_time'].data[0]
    step = float(seconds[len(runner.train_dataloader):].mean())
    checkpoint = f'{cfg.work_dir}/epoch_{runner.epoch}.pth'
    return runner, dict(
        method=name,
        accuracy=float(logged['val/accuracy/top1'].current()),
        accuracy_half_lost=accuracy_of_half(
            TrainedModel(name, cfg, checkpoint, runner.model.eval()),
            runner.val_dataloader.dataset),
        epochs=runner.max_epochs,
        images_per_second=cfg.train_dataloader.batch_size / step,
        seconds_per_step=step,
        checkpoint=checkpoint)


def accuracy_of_half(trained, dataset):
    """Accuracy on images that have lost half of their patches."""
    curves = accuracy_under_occlusion(trained, dataset, choose_images(dataset),
                                      HALF)
    return curves['random']['top1'][0]


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--epochs',
        type=int,
        default=EPOCHS,
        help='of each training; the configs have 10 (default: %(default)s)')
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs/quickstart'),
        help='where to save everything (default: work_dirs/quickstart)')
    parser.add_argument('--seed', type=int, default=0)
    add_cfg_options(parser)
    args = parser.parse_args()
    if args.epochs < 2:
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
    table = [(row['method'], f'{row["accuracy"]:.1f} %',
              f'{row["accuracy_half_lost"]:.1f} %',
              round(row['images_per_second']),
              f'{row["seconds_per_step"] / rows[0]["seconds_per_step"]:.2f} x')
             for row in rows]
    print('\nvalidation accuracy and speed\n')
    print(
        markdown_table(('method', 'accuracy', 'half of the image lost',
                        'images/s', 'time per step'), table))

    # the model trained last, SMMix's, is the guide
    methods = guided_methods([*CONFIGS],
                             [[*CONFIGS.values()][-1], rows[-1]['checkpoint']],
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
        print(f'{what:<18}{path}')


if __name__ == '__main__':
    main()
