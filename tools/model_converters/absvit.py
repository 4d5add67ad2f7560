"""Convert a published AbSViT checkpoint to the key names of mmmix.AbSViT.

The result is an ImageClassifier's: AbSViT as `backbone` and
VisionTransformerClsHead as `head`. A mmmix.FrozenGuide with
attention_map=dict(type='mmmix.AbSViTTopDown') guides with it.

example: absvit.py absvit_base_patch16_224.pth absvit-base.pth
"""
import argparse

from mmmix.checkpoint import read_published, save_whole
from mmmix.cli.launch import short_errors
from mmmix.models.backbones import from_published_absvit


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='the published checkpoint')
    parser.add_argument('target', help='where to save the converted one')
    parser.add_argument(
        '--trusted',
        action='store_true',
        help='load whatever the source holds, not weights alone')
    args = parser.parse_args()
    with short_errors(ValueError):
        weights = read_published(args.source, args.trusted)
        weights = from_published_absvit(weights)
        save_whole(dict(state_dict=weights), args.target)
    print(f'Saved {len(weights)} tensors to {args.target}.')


if __name__ == '__main__':
    main()
