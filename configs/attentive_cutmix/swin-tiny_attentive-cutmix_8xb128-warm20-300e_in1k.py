# SMMix, Table 2
_base_ = [
    '../vanilla/swin-tiny_vanilla_8xb128-warm20-300e_in1k.py',
    '../_base_/mixing/attentive_cutmix_resnet50.py',
]

model = dict(train_cfg=_base_.mixing)
