"""Draw what a segmentor or detector predicts, beside the images and the truth.

For example, 4 images of the data set that the config tests on:

    python tools/visualization/show_predictions.py CONFIG CHECKPOINT \
        --num-images 4 --out-dir predictions
"""
from pathlib import Path

import mmcv
import torch
from mmengine.dataset import pseudo_collate

from mmmix.analysis import choose_images, open_dataset
from mmmix.checkpoint import check_checkpoint
from mmmix.cli import (add_cfg_options, add_config, command_parser,
                       drop_pretrained, load_config, require_keys, user_errors)
from mmmix.cli.models import add_split, load_trained
from mmmix.cli.toolboxes import TOOLBOXES, toolbox_of
from mmmix.errors import MmmixError
from mmmix.progress import track
from mmmix.visualization import (draw_prediction, prediction_visualizer,
                                 shown_instances)


def parse_args():
    parser = command_parser(__doc__)
    add_config(parser)
    parser.add_argument('checkpoint', help='a .pth file or an address')
    add_split(parser, 'test')
    parser.add_argument(
        '--num-images',
        type=int,
        default=8,
        help='so many, drawn by a fixed seed; default: %(default)s')
    parser.add_argument(
        '--score',
        type=float,
        default=0.3,
        help='lowest score of a detection that is drawn; default: '
        '%(default)s')
    parser.add_argument(
        '--out-dir',
        default='predictions',
        help='where the pictures go; default: %(default)s')
    add_cfg_options(parser)
    return parser.parse_args()


def read_trained(args):
    """The model, all of its weights from the checkpoint."""
    cfg = load_config(args.config, args.cfg_options)
    require_keys(cfg, 'model', f'{args.split}_dataloader')
    if toolbox_of(cfg) is None:
        raise MmmixError(
            f'The config {args.config} is not one of '
            f'{" or ".join(TOOLBOXES.values())}: its default_scope must be '
            f'{" or ".join(TOOLBOXES)}.')
    check_checkpoint(args.checkpoint)
    drop_pretrained(cfg.model)
    return load_trained(args.config, cfg, args.checkpoint)


def main():
    args = parse_args()
    with user_errors():
        if not 0 <= args.score <= 1:
            raise MmmixError('--score must be in [0, 1], not '
                             f'{args.score:g}.')
        trained = read_trained(args)
        dataset = open_dataset(trained, args.split)
        indices = choose_images(dataset, args.num_images)
    toolbox = toolbox_of(trained.cfg)
    visualizer = prediction_visualizer(toolbox, dataset.metainfo)
    out = Path(args.out_dir)
    out.mkdir(parents=True, exist_ok=True)
    drawn, alone = 0, 0
    with user_errors():
        for index in track(indices, 'draw'):
            batch = pseudo_collate([dataset[index]])
            with torch.no_grad():
                sample = trained.model.test_step(batch)[0].cpu()
            info = dataset.get_data_info(index)
            # a data set may hold its images, in RGB
            image = info['img'] if 'img' in info else mmcv.imread(
                info['img_path'], channel_order='rgb')
            boxes = [one['bbox'] for one in info['instances']
                     ] if 'instances' in info else None
            figure = draw_prediction(visualizer, image, sample, args.score,
                                     boxes)
            name = Path(info.get('img_path', f'{index:05d}')).stem
            figure.savefig(out / f'{name}.png', dpi=100)
            alone += len(figure.axes) < 3
            if toolbox == 'mmdet':
                drawn += len(shown_instances(sample, args.score))
    print(f'{len(indices)} pictures are in {out}.')
    if toolbox == 'mmdet':
        print(f'{drawn} instances have a score of at least {args.score:g}.')
    if alone:
        print(f'{alone} pictures lack the annotation: the pipeline of the '
              f'{args.split} set loads none, or resizes it.')


if __name__ == '__main__':
    main()
