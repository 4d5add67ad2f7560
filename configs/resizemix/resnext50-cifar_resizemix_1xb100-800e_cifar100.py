_base_ = [
    '../vanilla/resnext50-cifar_vanilla_1xb100-800e_cifar100.py',
    '../_base_/mixing/resizemix.py',
]

model = dict(train_cfg=_base_.mixing)

# OpenMixup, for ResNeXt-50 on CIFAR-100 with methods that cut and paste
optim_wrapper = dict(optimizer=dict(weight_decay=5e-4))
