# TdAttenMix, Table 1, whose number is that of OpenMixup after 200 epochs
_base_ = [
    '../vanilla/resnext50-cifar_vanilla_1xb100-800e_cifar100.py',
    '../_base_/mixing/attentive_cutmix_resnet18.py',
]

model = dict(train_cfg=_base_.mixing)

# OpenMixup, for ResNeXt-50 on CIFAR-100 with methods that cut and paste
optim_wrapper = dict(optimizer=dict(weight_decay=5e-4))

train_cfg = dict(max_epochs=200)
