# Mask R-CNN on four layers of the ViT, whose feature maps a pyramid resizes to
# strides 4, 8, 16 and 32.
_base_ = ['./vit-xs.py', './mask-rcnn.py']

model = dict(
    _delete_=True,
    **_base_.mask_rcnn,
    backbone=_base_.backbone,
    neck=[
        dict(
            type='mmseg.Feature2Pyramid',
            embed_dim=96,
            rescales=[2, 1, 0.5, 0.25],
            norm_cfg=dict(type='BN')),
        dict(
            type='FPN',
            in_channels=[96, 96, 96, 96],
            out_channels=64,
            num_outs=5),
    ])
