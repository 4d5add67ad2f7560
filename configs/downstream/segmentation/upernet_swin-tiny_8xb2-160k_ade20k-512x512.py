# Not in the papers: the settings are mmseg's for Swin-T with UperNet (8 x 2
# images, 160k iterations).
_base_ = [
    'mmseg::_base_/models/upernet_swin.py',
    '../_base_/backbones/swin-tiny.py',
    '../_base_/segmentation_ade20k.py',
    '../_base_/segmentation_adamw_160k.py',
]

model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(_base_.backbone, drop_path_rate=0.3),
    decode_head=dict(num_classes=_base_.num_classes),
    auxiliary_head=dict(num_classes=_base_.num_classes))

train_dataloader = dict(batch_size=2)
