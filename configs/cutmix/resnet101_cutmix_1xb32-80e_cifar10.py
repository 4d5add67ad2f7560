_base_ = [
    '../vanilla/resnet101_vanilla_1xb32-80e_cifar10.py',
    '../_base_/mixing/cutmix.py',
]

model = dict(train_cfg=_base_.mixing)
