# TdAttenMix, Table 2. The paper gives no settings: these are mmseg's for
# DeiT-S with UperNet (8 x 2 images, 160k iterations). Its
# MultiLevelNeck resizes the maps of four layers of the ViT, the last one after
# the final norm, to strides 4, 8, 16 and 32.
_base_ = [
    'mmseg::_base_/models/upernet_vit-b16_ln_mln.py',
    '../_base_/backbones/deit-small.py',
    '../_base_/segmentation_ade20k.py',
    '../_base_/segmentation_adamw_160k.py',
]

model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    pretrained=None,
    backbone=dict(
        _base_.backbone,
        init_cfg=dict(
            _base_.backbone.init_cfg,
            checkpoint='work_dirs/deit-small_tdattenmix_8xb128-300e_in1k/'
            'epoch_300.pth')),
    neck=dict(in_channels=[384, 384, 384, 384], out_channels=384),
    decode_head=dict(
        in_channels=[384, 384, 384, 384], num_classes=_base_.num_classes),
    auxiliary_head=dict(in_channels=384, num_classes=_base_.num_classes))

train_dataloader = dict(batch_size=2)
