# The built-in synthetic set, 32x32: nothing to download.
data_preprocessor = dict(
    num_classes=10,
    mean=[127.5, 127.5, 127.5],
    std=[64, 64, 64],
    # the images are drawn in RGB
    to_rgb=False)

train_pipeline = [
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    # where the object is: for metrics of attention
    dict(type='PackInputs', algorithm_keys=('gt_seg_map', 'gt_bboxes')),
]

train_dataloader = dict(
    batch_size=64,
    num_workers=0,  # the images are in memory
    dataset=dict(
        type='mmmix.SyntheticObjects',
        split='train',
        num_images=4000,
        pipeline=train_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True))
val_dataloader = dict(
    batch_size=100,
    num_workers=0,
    dataset=dict(
        type='mmmix.SyntheticObjects',
        split='val',
        num_images=1000,
        test_mode=True,
        pipeline=test_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(type='Accuracy', topk=(1, ))

test_dataloader = val_dataloader
test_evaluator = val_evaluator
