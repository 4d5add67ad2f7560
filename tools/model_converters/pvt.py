"""Convert a PVT classifier between the key names of the public code and ours.

Ours are those of an ImageClassifier with mmmix.PyramidVisionTransformer as
`backbone` and VisionTransformerClsHead as `head`. Checkpoints with the public
names also load into mmdet's PyramidVisionTransformer through its `init_cfg`.

example: pvt.py pvt_tiny.pth ours.pth
         pvt.py --to-published epoch_300.pth theirs.pth
"""
from mmmix.checkpoint import from_published_pvt, to_published_pvt
from mmmix.cli.conversion import convert

if __name__ == '__main__':
    convert(__doc__, from_published_pvt, to_published_pvt)
