# The built-in synthetic set, 32 x 32 pixels: one object of ten classes in
# each image.
default_scope = 'mmdet'
custom_imports = dict(imports=['mmmix'], allow_failed_imports=False)

num_classes = 10
data_preprocessor = dict(
    type='DetDataPreprocessor',
    # as in classification: the images are drawn in RGB
    mean=[127.5, 127.5, 127.5],
    std=[64, 64, 64],
    pad_mask=True,
    pad_size_divisor=32)

train_dataloader = dict(
    batch_size=8,
    num_workers=0,  # the images are in memory
    dataset=dict(
        type='mmmix.SyntheticDetection',
        split='train',
        num_images=480,
        # other images than those of the classification set
        seed=1,
        pipeline=[
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
            dict(type='RandomFlip', prob=0.5),
            dict(
                type='PackDetInputs',
                meta_keys=('img_id', 'ori_shape', 'img_shape', 'flip',
                           'flip_direction')),
        ]),
    sampler=dict(type='DefaultSampler', shuffle=True))
val_dataloader = dict(
    batch_size=50,
    num_workers=0,
    dataset=dict(
        type='mmmix.SyntheticDetection',
        split='val',
        num_images=200,
        seed=1,
        test_mode=True,
        pipeline=[
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
            # the images are not resized
            dict(
                type='PackDetInputs',
                meta_keys=('img_id', 'ori_shape', 'img_shape', 'scale_factor',
                           'instances')),
        ]),
    sampler=dict(type='DefaultSampler', shuffle=False))
# without ann_file, the annotations are those of the data samples
val_evaluator = dict(type='CocoMetric', metric=['bbox', 'segm'])

test_dataloader = val_dataloader
test_evaluator = val_evaluator

visualizer = dict(
    type='DetLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')])
