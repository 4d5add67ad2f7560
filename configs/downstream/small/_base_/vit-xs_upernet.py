# UperNet on four layers of the ViT, whose maps a pyramid
# brings to strides 4, 8, 16 and 32.
_base_ = ['../../../_base_/models/vit-xs-64px.py', './upernet.py']

model = dict(
    _delete_=True,
    **_base_.upernet,
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
    neck=dict(
        type='Feature2Pyramid',
        embed_dim=96,
        rescales=[2, 1, 0.5, 0.25],
        norm_cfg=dict(type='BN')))
model['decode_head'].update(in_channels=[96, 96, 96, 96])
