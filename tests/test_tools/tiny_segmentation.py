"""A segmentation run of seconds: a ViT of one layer on synthetic images."""
data_preprocessor = dict(
    type='SegDataPreProcessor',
    mean=[127.5] * 3,
    std=[64.] * 3,
    bgr_to_rgb=False,
    pad_val=0,
    seg_pad_val=255,
    size=(32, 32))
model = dict(
    type='EncoderDecoder',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='mmpretrain.VisionTransformer',
        arch=dict(
            embed_dims=16, num_layers=1, num_heads=2, feedforward_channels=32),
        img_size=32,
        patch_size=8,
        out_type='featmap'),
    decode_head=dict(
        type='FCNHead',
        in_channels=16,
        in_index=0,
        channels=16,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0,
        num_classes=11,
        norm_cfg=dict(type='SyncBN'),
        loss_decode=dict(type='CrossEntropyLoss')),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))

pipeline = [
    dict(
        type='PackSegInputs',
        meta_keys=('img_shape', 'ori_shape', 'sample_idx'))
]
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    dataset=dict(
        type='mmmix.SyntheticSegmentation', num_images=16, pipeline=pipeline),
    sampler=dict(type='InfiniteSampler', shuffle=True))
val_dataloader = dict(
    batch_size=2,
    num_workers=0,
    dataset=dict(
        type='mmmix.SyntheticSegmentation',
        split='val',
        num_images=6,
        pipeline=pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(type='IoUMetric')
test_dataloader = val_dataloader
test_evaluator = val_evaluator

optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3))
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=1e-5, by_epoch=False)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=16)

default_scope = 'mmseg'
log_processor = dict(by_epoch=False)
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2))
env_cfg = dict(dist_cfg=dict(backend='nccl'))
randomness = dict(seed=0)
