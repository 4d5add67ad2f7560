"""How much of the attention falls on the objects.

For each checkpoint and view: the share of the attention inside the validation
images' object boxes, divided by the boxes' share of the area. 1 is what
attention without aim would reach.

example: attention_in_boxes.py smmix/vit-xs_smmix_synthetic.py epoch_10.pth \
             --views BottomUp TopDown
"""
import argparse

import torch
import torch.nn.functional as F
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from rich.progress import track

from mmmix.checkpoint import load_weights
from mmmix.engine.launch import (add_cfg_options, build_model, load_config,
                                 short_errors)
from mmmix.functional import box_coverage
from mmmix.registry import DATASETS, TASK_UTILS

BATCH = 100
VIEWS = ('BottomUp', 'ClassAttention', 'TopDown')


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
def attention_gains(model, dataset, views):
    """Share of the attention over share of the area, one value an image, of
    each view by name."""
    gains = {name: [] for name in views}
    for start in track(range(0, len(dataset), BATCH), description=''):
        samples = [
            dataset[i]
            for i in range(start, min(start + BATCH, len(dataset)))
        ]
        data = model.data_preprocessor(pseudo_collate(samples), False)
        inputs, samples = data['inputs'], data['data_samples']
        boxes = boxes_of(samples)
        labels = F.one_hot(
            torch.cat([sample.gt_label for sample in samples]),
            model.head.num_classes)
        for name, view in views.items():
            attention, _ = view(model, inputs, labels)
            inside = box_coverage(boxes, inputs.shape[-2:],
                                  attention.shape[1:])
            share = (inside * attention).sum((1, 2)) / attention.sum((1, 2))
            gains[name].append(share / inside.mean((1, 2)))
    return {name: torch.cat(values) for name, values in gains.items()}


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'pairs', nargs='+', metavar='CONFIG CHECKPOINT', help='in turn')
    parser.add_argument(
        '--views',
        nargs='+',
        choices=VIEWS,
        default=['BottomUp'],
        help='how the model looks at an image: SMMix, Eq. 6 (BottomUp, the '
        'default), MixPro, Eq. 4, or TdAttenMix, Eq. 3-5')
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
            views = {
                name: TASK_UTILS.build(dict(type=f'mmmix.{name}'))
                for name in args.views
            }
            for view in views.values():
                view.check(model)
            dataset = DATASETS.build(cfg.val_dataloader.dataset)
            gains = attention_gains(model, dataset, views)
            rows += [(path, name, gain) for name, gain in gains.items()]
    print('| checkpoint | view | images | mean | median |\n'
          '|---|---|---:|---:|---:|')
    for path, name, gain in rows:
        print(f'| {path} | {name} | {len(gain)} | {gain.mean():.2f} '
              f'| {gain.median():.2f} |')


if __name__ == '__main__':
    main()
