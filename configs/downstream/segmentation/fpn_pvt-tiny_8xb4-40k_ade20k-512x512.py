# SMMix, Table 3: "we follow all training settings on PVT". PVT's public code
# gets the table's baselines, 36.6 and 41.9, with 40k iterations of 8 x 4
# images and AdamW at 2e-4.
_base_ = [
    'mmseg::_base_/models/fpn_r50.py',
    '../_base_/backbones/pvt-tiny.py',
    '../_base_/segmentation_ade20k.py',
    'mmseg::_base_/schedules/schedule_40k.py',
]

model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    pretrained=None,
    backbone=_base_.backbone,
    neck=dict(in_channels=[64, 128, 320, 512]),
    decode_head=dict(num_classes=_base_.num_classes))

# PVT crops an image whose size is not a multiple of its largest stride; like
# its public code, resize test images so that nothing is lost
whole_strides = dict(type='ResizeToMultiple', size_divisor=32)
test_pipeline = [
    *_base_.test_pipeline[:2], whole_strides, *_base_.test_pipeline[2:]
]
tta_pipeline = [
    _base_.tta_pipeline[0],
    dict(
        type='TestTimeAug',
        transforms=[
            _base_.tta_pipeline[1]['transforms'][0],
            [whole_strides],
            *_base_.tta_pipeline[1]['transforms'][1:],
        ])
]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-4, weight_decay=1e-4))
param_scheduler = [
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=0.,
        begin=0,
        end=40000,
        by_epoch=False)
]
auto_scale_lr = dict(enable=False, base_batch_size=32)
