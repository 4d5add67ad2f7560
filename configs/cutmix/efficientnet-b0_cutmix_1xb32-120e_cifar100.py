_base_ = [
    '../vanilla/efficientnet-b0_vanilla_1xb32-120e_cifar100.py',
    '../_base_/mixing/cutmix.py',
]

model = dict(train_cfg=_base_.mixing)
