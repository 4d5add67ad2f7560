# MixPro, Table 3: the row without a ViT. Its 47.3 and 48.5 are what mmseg
# publishes for these settings, with the ResNet-101 (V1c) that it starts from.
_base_ = [
    'mmseg::_base_/models/deeplabv3plus_r50-d8.py',
    '../_base_/segmentation_pascal-context.py',
    'mmseg::_base_/schedules/schedule_40k.py',
]

model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    pretrained=None,
    backbone=dict(
        depth=101,
        init_cfg=dict(
            type='Pretrained', checkpoint='open-mmlab://resnet101_v1c')),
    decode_head=dict(num_classes=_base_.num_classes),
    auxiliary_head=dict(num_classes=_base_.num_classes),
    test_cfg=dict(mode='slide', crop_size=_base_.crop_size, stride=(320, 320)))

optim_wrapper = dict(optimizer=dict(lr=0.004, weight_decay=1e-4))
auto_scale_lr = dict(enable=False, base_batch_size=16)
