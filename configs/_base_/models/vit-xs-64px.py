# For images of 64 x 64 pixels: an 8 x 8 grid of patches, as for 32 x 32.
_base_ = './vit-xs.py'

model = dict(backbone=dict(img_size=64, patch_size=8))
