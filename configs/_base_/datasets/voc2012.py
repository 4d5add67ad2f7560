# Pascal VOC 2012 with masks, to measure where a classifier looks: every image
# is stretched to what most classifiers take. The classifier's own
# preprocessor is used; the one below is ImageNet's.
data_preprocessor = dict(
    num_classes=1000,
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    # the images are loaded in BGR
    to_rgb=True)

pipeline = [
    dict(type='mmmix.LoadImage'),
    dict(type='mmmix.LoadMask'),
    dict(type='Resize', scale=(224, 224)),
    dict(type='PackInputs', algorithm_keys=('gt_seg_map', )),
]

train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    dataset=dict(
        type='mmmix.VOCSegmentation',
        data_root='data/VOCdevkit/VOC2012',
        split='train',
        pipeline=pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True))
val_dataloader = dict(
    batch_size=32,
    num_workers=2,
    dataset=dict(
        type='mmmix.VOCSegmentation',
        data_root='data/VOCdevkit/VOC2012',
        split='val',
        test_mode=True,
        pipeline=pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False))
test_dataloader = val_dataloader
