"""Convert a published AbSViT checkpoint to the key names of mmmix.AbSViT.

The result is an ImageClassifier's: AbSViT as `backbone` and
VisionTransformerClsHead as `head`. A mmmix.FrozenGuide with
view=dict(type='mmmix.AbSViTTopDown') guides with it.

example: absvit.py absvit_base_patch16_224.pth absvit-base.pth
"""
import argparse
import os
import textwrap
from contextlib import nullcontext
from pathlib import Path

import torch

from mmmix.checkpoint import check_checkpoint
from mmmix.engine.launch import short_errors
from mmmix.models.backbones import from_published_absvit


def read_published(path, trusted=False):
    """The weights in a published checkpoint.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it holds something else.
    """
    check_checkpoint(path, 'published checkpoint')
    # a training's arguments lie beside its weights; torch 2.1 cannot allow it
    allow = getattr(torch.serialization, 'safe_globals', nullcontext)
    try:
        with allow([argparse.Namespace]):
            checkpoint = torch.load(
                path, map_location='cpu', weights_only=not trusted)
    except Exception as error:  # foreign bytes raise anything
        reason = textwrap.shorten(str(error), 200)
        raise ValueError(
            f'{path} is damaged or holds more than weights ({reason}). '
            '--trusted loads whatever it holds: that can run any code, so '
            'do it only if you trust its author.') from None
    weights = checkpoint.get('model') if isinstance(checkpoint, dict) else None
    if weights is None:
        raise ValueError(f"{path} has no weights under the key 'model', "
                         'as published AbSViT checkpoints have.')
    return weights


def save_whole(content, path):
    """Save all of it, or leave what was there."""
    part = Path(f'{path}.part')
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.save(content, part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


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
