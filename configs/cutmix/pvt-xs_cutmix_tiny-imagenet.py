_base_ = [
    '../vanilla/pvt-xs_vanilla_tiny-imagenet.py',
    '../_base_/mixing/cutmix.py',
]

model = dict(train_cfg=_base_.mixing)
