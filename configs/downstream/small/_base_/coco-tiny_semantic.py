# 80 training and 80 validation images. tools/dataset_converters/
# coco_semantic.py makes the label maps.
default_scope = 'mmseg'
custom_imports = dict(
    imports=['mmmix', 'mmmix.datasets.segmentation'],
    allow_failed_imports=False)

num_classes = 80
crop_size = (128, 128)
data_preprocessor = dict(
    type='SegDataPreProcessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    size=crop_size,
    # pad test images: backbones would crop an incomplete patch
    test_cfg=dict(size_divisor=32))

train_pipeline = [
    dict(type='mmmix.LoadImage'),
    dict(type='mmmix.LoadSegMap', num_classes=num_classes),
    dict(
        type='RandomResize',
        scale=(256, 160),
        ratio_range=(0.8, 1.5),
        keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.9),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(256, 192), keep_ratio=True),
    # after Resize: the labels keep the size of the image file
    dict(type='mmmix.LoadSegMap', num_classes=num_classes),
    dict(type='PackSegInputs'),
]

train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    dataset=dict(
        type='mmmix.COCOObjects',
        data_root='data/coco-tiny',
        data_prefix=dict(
            img_path='train2017', seg_map_path='semantic/train2017'),
        pipeline=train_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True))
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    dataset=dict(
        type='mmmix.COCOObjects',
        data_root='data/coco-tiny',
        data_prefix=dict(img_path='val2017', seg_map_path='semantic/val2017'),
        test_mode=True,
        pipeline=test_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])

test_dataloader = val_dataloader
test_evaluator = val_evaluator

visualizer = dict(
    type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')])
