_base_ = [
    '../vanilla/resnet18-cifar_vanilla_1xb100-200e_cifar100.py',
    '../_base_/mixing/resizemix.py',
]

model = dict(train_cfg=_base_.mixing)
