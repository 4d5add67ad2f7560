_base_ = [
    '../vanilla/vit-xs_vanilla_cifar100.py',
    '../_base_/mixing/cutmix.py',
]

model = dict(train_cfg=_base_.mixing)
