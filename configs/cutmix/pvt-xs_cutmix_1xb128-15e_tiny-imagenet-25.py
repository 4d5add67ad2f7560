_base_ = [
    '../vanilla/pvt-xs_vanilla_1xb128-15e_tiny-imagenet-25.py',
    '../_base_/mixing/cutmix.py',
]

model = dict(train_cfg=_base_.mixing)
