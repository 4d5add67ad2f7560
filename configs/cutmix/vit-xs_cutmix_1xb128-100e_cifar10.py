_base_ = [
    '../vanilla/vit-xs_vanilla_1xb128-100e_cifar10.py',
    '../_base_/mixing/cutmix.py',
]

model = dict(train_cfg=_base_.mixing)
