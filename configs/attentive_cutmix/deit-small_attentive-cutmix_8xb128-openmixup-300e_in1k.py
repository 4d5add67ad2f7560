# SMMix, Table 2
_base_ = [
    '../vanilla/deit-small_vanilla_8xb128-openmixup-300e_in1k.py',
    '../_base_/mixing/attentive_cutmix_resnet50.py',
]

model = dict(train_cfg=_base_.mixing)
