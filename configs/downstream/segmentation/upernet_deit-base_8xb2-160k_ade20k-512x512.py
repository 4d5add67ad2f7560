# TdAttenMix, Section 5.3: "DeiT backbones with UperNet"; its Table 2 has no
# number for this one. The settings are mmseg's, as for DeiT-S.
_base_ = [
    'mmseg::_base_/models/upernet_vit-b16_ln_mln.py',
    '../_base_/backbones/deit-base.py',
    '../_base_/segmentation_ade20k.py',
    '../_base_/segmentation_adamw_160k.py',
]

model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    pretrained=None,
    backbone=_base_.backbone,
    decode_head=dict(num_classes=_base_.num_classes),
    auxiliary_head=dict(num_classes=_base_.num_classes))

train_dataloader = dict(batch_size=2)
