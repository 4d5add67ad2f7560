# As in OpenMixup's benchmark: 224 pixels, crops of at least half the image, a
# batch of 16. MMPretrain has CUB-200 at 448 pixels.
_base_ = 'mmpretrain::_base_/datasets/cub_bs8_448.py'

train_pipeline = [
    dict(type='mmmix.LoadImage'),
    dict(type='ResizeEdge', scale=256, edge='short'),
    dict(type='RandomResizedCrop', scale=224, crop_ratio_range=(0.5, 1.0)),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='mmmix.LoadImage'),
    dict(type='ResizeEdge', scale=256, edge='short'),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]

train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=16, dataset=dict(test_mode=True, pipeline=test_pipeline))
test_dataloader = val_dataloader
