# Tiny-ImageNet, 64x64. With a part of the classes, set `wnids` of all data
# sets and `num_classes` of the preprocessor and the head.
data_preprocessor = dict(
    num_classes=200,
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    # the images are loaded in BGR
    to_rgb=True)

train_pipeline = [
    dict(type='mmmix.LoadImage'),
    dict(type='RandomCrop', crop_size=64, padding=4),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='mmmix.LoadImage'),
    # where the object is: for metrics of attention
    dict(type='PackInputs', algorithm_keys=('gt_bboxes', )),
]

train_dataloader = dict(
    batch_size=128,
    num_workers=2,
    dataset=dict(
        type='mmmix.TinyImageNet',
        data_root='data/tiny-imagenet-200',
        split='train',
        wnids='all',
        pipeline=train_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True))
val_dataloader = dict(
    batch_size=128,
    num_workers=2,
    dataset=dict(
        type='mmmix.TinyImageNet',
        data_root='data/tiny-imagenet-200',
        split='val',
        wnids='all',
        test_mode=True,
        pipeline=test_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(type='Accuracy', topk=(1, 5))

test_dataloader = val_dataloader
test_evaluator = val_evaluator
