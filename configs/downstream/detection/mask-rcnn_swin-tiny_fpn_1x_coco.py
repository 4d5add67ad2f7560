_base_ = [
    '../_base_/detection_coco.py',
    '../_base_/backbones/swin-tiny.py',
]

model = dict(
    backbone=_base_.backbone, neck=dict(in_channels=[96, 192, 384, 768]))

# mmdet's recipe for Swin
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-4, weight_decay=0.05),
    paramwise_cfg=dict(
        custom_keys={
            'relative_position_bias_table': dict(decay_mult=0.),
            'norm': dict(decay_mult=0.),
        }))
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.001, by_epoch=False, begin=0,
        end=1000),
    _base_.param_scheduler[1],
]
