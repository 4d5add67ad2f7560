# MMPretrain's settings at 224 instead of 448 pixels, and the batch of 16 of
# the public mixup baselines.
_base_ = 'mmpretrain::_base_/datasets/cub_bs8_448.py'

train_pipeline = [
    dict(type='mmmix.LoadImage'),
    dict(type='Resize', scale=300),
    dict(type='RandomCrop', crop_size=224),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='mmmix.LoadImage'),
    dict(type='Resize', scale=300),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=16, dataset=dict(type='mmmix.CUB', pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=16,
    dataset=dict(type='mmmix.CUB', test_mode=True, pipeline=test_pipeline))
test_dataloader = val_dataloader
