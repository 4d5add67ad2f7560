# Mask R-CNN on four layers of the ViT, whose maps a pyramid
# brings to strides 4, 8, 16 and 32.
_base_ = ['../../../_base_/models/vit-xs-64px.py', './mask-rcnn.py']

model = dict(
    _delete_=True,
    **_base_.mask_rcnn,
    backbone=dict(
        _base_.model.backbone,
        type='mmpretrain.VisionTransformer',
        out_type='featmap',
        out_indices=[1, 3, 4, 5],
        init_cfg=dict(
            type='Pretrained',
            _scope_='mmmix',
            checkpoint='work_dirs/vit-xs_smmix_1xb128-15e_tiny-imagenet-25/epoch_15.pth',
            prefix='backbone.')),
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
