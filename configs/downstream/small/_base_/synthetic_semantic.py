# The built-in synthetic set, 32 x 32 pixels: background and ten classes.
default_scope = 'mmseg'
custom_imports = dict(imports=['mmmix'], allow_failed_imports=False)

num_classes = 11
data_preprocessor = dict(
    type='SegDataPreProcessor',
    # as in classification: the images are drawn in RGB
    mean=[127.5, 127.5, 127.5],
    std=[64, 64, 64],
    size=(32, 32))

train_dataloader = dict(
    batch_size=16,
    num_workers=0,  # the images are in memory
    dataset=dict(
        type='mmmix.SyntheticSegmentation',
        split='train',
        num_images=960,
        # other images than those of the classification set
        seed=1,
        pipeline=[
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackSegInputs'),
        ]),
    sampler=dict(type='DefaultSampler', shuffle=True))
val_dataloader = dict(
    batch_size=50,
    num_workers=0,
    dataset=dict(
        type='mmmix.SyntheticSegmentation',
        split='val',
        num_images=200,
        seed=1,
        test_mode=True,
        pipeline=[dict(type='PackSegInputs')]),
    sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])

test_dataloader = val_dataloader
test_evaluator = val_evaluator

visualizer = dict(
    type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')])
