# MixPro with cells of 56 pixels, for backbones with patches of 4 pixels: the
# size for Swin-T and Swin-S in the authors' public code. The paper does not
# give it, and there is no public code for PVT.
_base_ = './mixpro.py'

mixing = dict(augments=[
    dict(type='mmmix.MaskMix', scale=14, patch_size=4),
    *_base_.mixing.augments[1:],
])
