# mmseg's Pascal Context: 59 classes and the background, which is evaluated.
# Labels beyond the classes, and training images that cannot be decoded, are an
# error.
_base_ = [
    'mmseg::_base_/datasets/pascal_context.py',
    'mmseg::_base_/default_runtime.py',
]
custom_imports = dict(
    imports=['mmmix', 'mmmix.datasets.segmentation'],
    allow_failed_imports=False)

num_classes = 60
load_labels = dict(type='mmmix.LoadSegMap', num_classes=num_classes)
train_pipeline = [
    dict(type='mmmix.LoadImage'), load_labels, *_base_.train_pipeline[2:]
]
test_pipeline = [
    *_base_.test_pipeline[:2], load_labels, *_base_.test_pipeline[3:]
]
# mmseg has no multi-scale test for this data set: the ratios and the flip are
# those for ADE20K, and a ratio is relative to the 520 pixels of the
# single-scale test.
img_ratios = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(
                    type='Resize',
                    scale=(int(520 * ratio), int(520 * ratio)),
                    keep_ratio=True) for ratio in img_ratios
            ],
            [
                dict(type='RandomFlip', prob=0., direction='horizontal'),
                dict(type='RandomFlip', prob=1., direction='horizontal'),
            ],
            [load_labels],
            [dict(type='PackSegInputs')],
        ])
]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

custom_hooks = [dict(type='mmmix.ClassCountHook')]
randomness = dict(seed=0, deterministic=False)
