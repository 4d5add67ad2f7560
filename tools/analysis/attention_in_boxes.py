"""How much of the attention falls on the objects.

For each checkpoint and view: the share of the attention inside the validation
images' object boxes, divided by the boxes' share of the area. 1 is what
attention without aim would reach.

example, after tools/quickstart.sh:
    attention_in_boxes.py smmix/vit-xs_smmix_1xb64-10e_synthetic.py \\
             work_dirs/quickstart/smmix/epoch_10.pth \\
             --views BottomUp TopDown --num-images 200
"""
import argparse

import torch
import torch.nn.functional as F
from mmengine.logging import MMLogger

from mmmix.analysis.trained_model import (
    add_subjects,
    batches,
    choose_images,
    labels_of,
    open_dataset,
    read_subjects,
)
from mmmix.cli.launch import short_errors
from mmmix.errors import MmmixError
from mmmix.functional import box_coverage
from mmmix.registry import TASK_UTILS
from mmmix.visualization import markdown_table

VIEWS = ('BottomUp', 'ClassAttention', 'TopDown')


def boxes_of(samples):
    """Object boxes ``(N, 4)`` as ``(y1, x1, y2, x2)``, one an image.

    Raises:
        ValueError: If a sample has not exactly one box.
    """
    for sample in samples:
        if len(sample.get('gt_bboxes', ())) != 1:
            raise MmmixError(
                'Each validation image needs one object box, as the synthetic '
                'set and Tiny-ImageNet have: the pipeline must end with '
                "PackInputs(algorithm_keys=('gt_bboxes', )).")
    boxes = torch.cat([torch.as_tensor(s.gt_bboxes) for s in samples])
    return boxes.round().long()[:, [1, 0, 3, 2]]


@torch.no_grad()
def attention_gains(subject, dataset, indices, batch_size, views):
    """Share of the attention over share of the area, one value an image, of
    each view by name."""
    gains = {name: [] for name in views}
    for inputs, samples in batches(subject, dataset, indices, batch_size):
        boxes = boxes_of(samples).to(inputs.device)
        labels = F.one_hot(labels_of(samples), subject.model.head.num_classes)
        for name, view in views.items():
            attention, _ = view(subject.model, inputs, labels)
            inside = box_coverage(boxes, inputs.shape[-2:],
                                  attention.shape[1:])
            share = (inside * attention).sum((1, 2)) / attention.sum((1, 2))
            gains[name].append(share / inside.mean((1, 2)))
    return {name: torch.cat(values) for name, values in gains.items()}


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add_subjects(parser)
    parser.add_argument(
        '--views',
        nargs='+',
        choices=VIEWS,
        default=['BottomUp'],
        help='how the model looks at an image: SMMix, Eq. 6 (BottomUp, the '
        'default), MixPro, Eq. 4, or TdAttenMix, Eq. 3-5')
    return parser.parse_args()


def main():
    args = parse_args()
    MMLogger.get_current_instance().setLevel('ERROR')
    rows = []
    with short_errors(ValueError):
        views = {
            name: TASK_UTILS.build(dict(type=f'mmmix.{name}'))
            for name in args.views
        }
        for subject in read_subjects(args):
            for view in views.values():
                view.check(subject.model)
            dataset = open_dataset(subject)
            indices = choose_images(dataset, args.num_images)
            gains = attention_gains(subject, dataset, indices, args.batch_size,
                                    views)
            rows += [(subject.name, name, len(gain), float(gain.mean()),
                      float(gain.median())) for name, gain in gains.items()]
    print(
        markdown_table(
            ['checkpoint', 'attention_map', 'images', 'mean', 'median'], rows))


if __name__ == '__main__':
    main()
