"""Convert a published AbSViT checkpoint to the key names of mmmix.AbSViT.

The result is a checkpoint of an ImageClassifier with AbSViT as `backbone` and
VisionTransformerClsHead as `head`. A mmmix.FrozenGuide with
attention_map=dict(type='mmmix.AbSViTTopDown') guides with it.

example: absvit.py absvit_base_patch16_224.pth absvit-base.pth
"""
from mmmix.checkpoint import from_published_absvit
from mmmix.cli.conversion import convert

if __name__ == '__main__':
    convert(__doc__, from_published_absvit)
