_base_ = [
    '../vanilla/resnet18_vanilla_1xb32-120e_cifar100.py',
    '../_base_/mixing/cutmix.py',
]

model = dict(train_cfg=_base_.mixing)
