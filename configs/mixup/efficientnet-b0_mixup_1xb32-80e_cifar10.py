_base_ = [
    '../vanilla/efficientnet-b0_vanilla_1xb32-80e_cifar10.py',
    '../_base_/mixing/mixup.py',
]

model = dict(train_cfg=_base_.mixing)
