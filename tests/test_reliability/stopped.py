# A run of seconds that draws random numbers wherever one can.
_base_ = '../test_tools/tiny_smmix.py'

model = dict(
    backbone=dict(drop_rate=0.2, drop_path_rate=0.3),
    train_cfg=dict(guide=dict(type='mmmix.EMAGuide')))
pipeline = [
    dict(type='RandomResizedCrop', scale=32),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='RandAugment',
        policies='timm_increasing',
        num_policies=2,
        magnitude_level=9,
        magnitude_std=0.5),
    dict(type='ColorJitter', brightness=0.4),
    dict(type='PackInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
optim_wrapper = dict(
    optimizer=dict(weight_decay=0.05), paramwise_cfg=dict(norm_decay_mult=0.))
param_scheduler = dict(
    _delete_=True, type='LinearLR', start_factor=0.1, by_epoch=False, end=9)
train_cfg = dict(max_epochs=3)
custom_imports = dict(imports=['stopping_hook'])
custom_hooks = [
    dict(type='mmmix.StoppingHook'),
    dict(type='mmmix.EMAGuideHook', momentum=0.1)
]
