"""How much of the attention falls on the objects.

For each checkpoint: the share of the image attention score (SMMix, Eq. 6)
inside the validation images' object boxes, divided by the boxes' share of the
area. 1 is what attention without aim would reach.

example: attention_in_boxes.py smmix/vit-xs_smmix_synthetic.py epoch_10.pth
"""
import argparse

import torch
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from rich.progress import track

from mmmix.checkpoint import load_weights
from mmmix.engine.launch import (add_cfg_options, build_model, load_config,
                                 short_errors)
from mmmix.functional import box_masks, resize_mask
from mmmix.models import find_extractor
from mmmix.registry import DATASETS

BATCH = 100


def boxes_of(samples):
    """Object boxes ``(N, 4)`` as ``(y1, x1, y2, x2)``, one an image.

    Raises:
        ValueError: If a sample has not exactly one box.
    """
    for sample in samples:
        if len(sample.get('gt_bboxes', ())) != 1:
            raise ValueError(
                'Each validation image needs one object box, as the synthetic '
                'set and Tiny-ImageNet have: the pipeline must end with '
                "PackInputs(algorithm_keys=('gt_bboxes', )).")
    boxes = torch.cat([torch.as_tensor(s.gt_bboxes) for s in samples])
    return boxes.round().long()[:, [1, 0, 3, 2]]


@torch.no_grad()
def attention_gain(model, dataset):
    """Share of the attention over share of the area, one value an image."""
    extractor = find_extractor(model.backbone)
    gains = []
    for start in track(range(0, len(dataset), BATCH), description=''):
        samples = [
            dataset[i]
            for i in range(start, min(start + BATCH, len(dataset)))
        ]
        data = model.data_preprocessor(pseudo_collate(samples), False)
        size = data['inputs'].shape[-2:]
        with extractor.watching() as seen:
            features = model.backbone(data['inputs'])
        attention = extractor.bottom_up(seen, features, size)
        mask = box_masks(boxes_of(data['data_samples']), size)
        inside = resize_mask(mask, attention.shape[1:]) * attention
        share = inside.sum((1, 2)) / attention.sum((1, 2))
        gains.append(share / mask.mean((1, 2)))
    return torch.cat(gains)


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'pairs', nargs='+', metavar='CONFIG CHECKPOINT', help='in turn')
    add_cfg_options(parser)
    args = parser.parse_args()
    if len(args.pairs) % 2:
        parser.error('every CONFIG needs its CHECKPOINT')
    return args


def main():
    args = parse_args()
    MMLogger.get_current_instance().setLevel('ERROR')
    rows = []
    with short_errors(ValueError):
        for config, path in zip(args.pairs[::2], args.pairs[1::2]):
            cfg = load_config(config, args.cfg_options)
            cfg.model.train_cfg = None  # nothing is mixed here
            model = build_model(cfg).eval()
            load_weights(model, path)
            rows.append((path,
                         attention_gain(
                             model,
                             DATASETS.build(cfg.val_dataloader.dataset))))
    print('| checkpoint | images | mean | median |\n|---|---:|---:|---:|')
    for path, gain in rows:
        print(f'| {path} | {len(gain)} | {gain.mean():.2f} '
              f'| {gain.median():.2f} |')


if __name__ == '__main__':
    main()
