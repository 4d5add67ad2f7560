"""A run of seconds: a ViT of two layers on synthetic images."""
data_preprocessor = dict(
    num_classes=10, mean=[127.5] * 3, std=[64.] * 3, to_rgb=False)
model = dict(
    type='mmmix.MixClassifier',
    backbone=dict(
        type='VisionTransformer',
        arch=dict(
            embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32),
        img_size=32,
        patch_size=8,
        out_type='raw'),
    head=dict(
        type='mmmix.MixVisionTransformerClsHead',
        num_classes=10,
        in_channels=16,
        mix_losses=dict(
            fine=dict(type='mmmix.FineGrainedLoss'),
            consistency=dict(type='mmmix.ConsistencyLoss'))),
    train_cfg=dict(
        augments=[
            dict(type='mmmix.SMMix'),
            dict(type='mmmix.Mixup', alpha=0.8)
        ],
        probs=[0.5, 0.5]))

pipeline = [dict(type='PackInputs')]
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    dataset=dict(
        type='mmmix.SyntheticObjects', num_images=32, pipeline=pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True))
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    dataset=dict(
        type='mmmix.SyntheticObjects',
        split='val',
        num_images=16,
        pipeline=pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(type='Accuracy', topk=(1, ))
test_dataloader = val_dataloader
test_evaluator = val_evaluator

optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3))
param_scheduler = dict(type='CosineAnnealingLR', by_epoch=True)
train_cfg = dict(by_epoch=True, max_epochs=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(base_batch_size=32)

default_scope = 'mmmix'
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(type='CheckpointHook', interval=1))
env_cfg = dict(dist_cfg=dict(backend='nccl'))
randomness = dict(seed=0)
