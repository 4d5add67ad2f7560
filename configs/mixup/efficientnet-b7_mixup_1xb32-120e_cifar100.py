_base_ = [
    '../vanilla/efficientnet-b7_vanilla_1xb32-120e_cifar100.py',
    '../_base_/mixing/mixup.py',
]

model = dict(train_cfg=_base_.mixing)
