"""Convert a PVT classifier between the public code's names and ours.

Ours are those of an ImageClassifier with mmmix.PyramidVisionTransformer as
`backbone` and VisionTransformerClsHead as `head`. Checkpoints with the public
names also load into mmdet's PyramidVisionTransformer by its `init_cfg`.

example: pvt.py pvt_tiny.pth ours.pth
         pvt.py --to-published epoch_300.pth theirs.pth
"""
import argparse
import pickle
from contextlib import nullcontext

import torch
from mmengine.runner import CheckpointLoader

from mmmix.checkpoint import check_checkpoint
from mmmix.engine.launch import short_errors
from mmmix.models.backbones import from_published_pvt, to_published_pvt


def read_published(path):
    """The weights in a checkpoint of the public code."""
    # a training's arguments lie beside its weights; torch 2.1 cannot allow it
    allow = getattr(torch.serialization, 'safe_globals', nullcontext)
    try:
        with allow([argparse.Namespace]):
            checkpoint = torch.load(
                path, map_location='cpu', weights_only=True)
    except (pickle.UnpicklingError, EOFError, RuntimeError):
        raise ValueError(f'{path} is damaged or holds more than weights: '
                         'save its weights alone, where you trust '
                         'its author.') from None
    return checkpoint.get('model', checkpoint)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='the checkpoint')
    parser.add_argument('target', help='where to save the converted one')
    parser.add_argument(
        '--to-published',
        action='store_true',
        help='from our names to those of the public code')
    args = parser.parse_args()
    with short_errors(ValueError):
        path = check_checkpoint(args.source)
        if args.to_published:
            ours = CheckpointLoader.load_checkpoint(path, map_location='cpu')
            converted = to_published_pvt(ours.get('state_dict', ours))
        else:
            converted = dict(
                state_dict=from_published_pvt(read_published(path)))
        torch.save(converted, args.target)
    print(args.target)


if __name__ == '__main__':
    main()
