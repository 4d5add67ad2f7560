# mmseg's ADE20K: 150 classes, label 0 (other) is ignored. Labels beyond the
# classes, and training images that cannot be decoded, are an error.
_base_ = [
    'mmseg::_base_/datasets/ade20k.py',
    'mmseg::_base_/default_runtime.py',
]
custom_imports = dict(
    imports=['mmmix', 'mmmix.datasets.segmentation'],
    allow_failed_imports=False)

num_classes = 150
load_labels = dict(type='mmmix.LoadSegMap', num_classes=num_classes)
train_pipeline = [
    dict(type='mmmix.LoadImage'), load_labels, *_base_.train_pipeline[2:]
]
test_pipeline = [
    *_base_.test_pipeline[:2], load_labels, *_base_.test_pipeline[3:]
]
tta_pipeline = [
    _base_.tta_pipeline[0],
    dict(
        type='TestTimeAug',
        transforms=[
            *_base_.tta_pipeline[1]['transforms'][:2],
            [load_labels],
            *_base_.tta_pipeline[1]['transforms'][3:],
        ])
]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

custom_hooks = [dict(type='mmmix.ClassCountHook')]
randomness = dict(seed=0, deterministic=False)
