"""A detection run of seconds: a narrow Mask R-CNN on synthetic images."""
_base_ = 'mmdet::_base_/models/mask-rcnn_r50_fpn.py'

model = dict(
    data_preprocessor=dict(mean=[127.5] * 3, std=[64.] * 3, bgr_to_rgb=False),
    backbone=dict(
        depth=18,
        base_channels=8,
        stem_channels=8,
        frozen_stages=-1,
        norm_cfg=dict(type='SyncBN', requires_grad=True),
        norm_eval=False,
        init_cfg=dict(_delete_=True)),
    neck=dict(in_channels=[8, 16, 32, 64], out_channels=16),
    rpn_head=dict(in_channels=16, feat_channels=16),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=16),
        bbox_head=dict(in_channels=16, fc_out_channels=32, num_classes=10),
        mask_roi_extractor=dict(out_channels=16),
        mask_head=dict(
            num_convs=1, in_channels=16, conv_out_channels=16,
            num_classes=10)),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=32)),
        rpn_proposal=dict(nms_pre=100, max_per_img=50),
        rcnn=dict(sampler=dict(num=32))),
    test_cfg=dict(
        rpn=dict(nms_pre=100, max_per_img=50), rcnn=dict(max_per_img=10)))

pipeline = [
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_shape', 'ori_shape', 'scale_factor',
                   'instances')),
]
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    dataset=dict(
        type='mmmix.SyntheticDetection',
        num_images=8,
        size=64,
        pipeline=pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True))
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    dataset=dict(
        type='mmmix.SyntheticDetection',
        split='val',
        num_images=4,
        size=64,
        pipeline=[
            dict(type='Resize', scale=(64, 64), keep_ratio=True), *pipeline
        ]),
    sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(type='CocoMetric', metric=['bbox', 'segm'])
test_dataloader = val_dataloader
test_evaluator = val_evaluator

optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3))
param_scheduler = dict(type='ConstantLR', factor=1.0, by_epoch=False)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=16, enable=False)

default_scope = 'mmdet'
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(type='CheckpointHook', interval=1))
env_cfg = dict(dist_cfg=dict(backend='nccl'))
randomness = dict(seed=0)
