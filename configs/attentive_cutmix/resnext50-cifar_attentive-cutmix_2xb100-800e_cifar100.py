_base_ = [
    '../vanilla/resnext50-cifar_vanilla_2xb100-800e_cifar100.py',
    '../_base_/mixing/attentive_cutmix_resnet18.py',
]

model = dict(train_cfg=_base_.mixing)

# OpenMixup's ResNeXt-50 on CIFAR-100, for what cuts and pastes
optim_wrapper = dict(optimizer=dict(weight_decay=5e-4))
