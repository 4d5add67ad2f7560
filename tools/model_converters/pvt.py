"""Convert a PVT classifier between the public code's names and ours.

Ours are those of an ImageClassifier with mmmix.PyramidVisionTransformer as
`backbone` and VisionTransformerClsHead as `head`. Checkpoints with the public
names also load into mmdet's PyramidVisionTransformer by its `init_cfg`.

example: pvt.py pvt_tiny.pth ours.pth
         pvt.py --to-published epoch_300.pth theirs.pth
"""
import argparse

from mmengine.runner import CheckpointLoader

from mmmix.checkpoint import check_checkpoint, read_published, save_whole
from mmmix.cli.launch import short_errors
from mmmix.models.backbones import from_published_pvt, to_published_pvt


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
    parser.add_argument(
        '--trusted',
        action='store_true',
        help='load whatever a published checkpoint holds, not weights alone')
    args = parser.parse_args()
    with short_errors(ValueError):
        if args.to_published:
            ours = CheckpointLoader.load_checkpoint(
                check_checkpoint(args.source), map_location='cpu')
            weights = to_published_pvt(ours.get('state_dict', ours))
            save_whole(weights, args.target)
        else:
            weights = read_published(args.source, args.trusted)
            weights = from_published_pvt(weights)
            save_whole(dict(state_dict=weights), args.target)
    print(f'Saved {len(weights)} tensors to {args.target}.')


if __name__ == '__main__':
    main()
