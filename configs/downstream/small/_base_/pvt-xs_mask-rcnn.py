_base_ = ['../../../_base_/models/pvt-xs-128px.py', './mask-rcnn.py']

model = dict(
    _delete_=True,
    **_base_.mask_rcnn,
    backbone=dict(
        _base_.model.backbone,
        out_type='featmap',
        out_indices=(0, 1, 2, 3),
        init_cfg=dict(
            type='Pretrained',
            _scope_='mmmix',
            checkpoint='work_dirs/pvt-xs_smmix_1xb128-15e_tiny-imagenet-25/epoch_15.pth',
            prefix='backbone.')),
    neck=dict(
        type='FPN', in_channels=[32, 64, 96, 128], out_channels=64,
        num_outs=5))
