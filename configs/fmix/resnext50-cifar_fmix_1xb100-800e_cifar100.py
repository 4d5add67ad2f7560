# OpenMixup's FMix: the public code's masks, with waves along one axis.
_base_ = '../vanilla/resnext50-cifar_vanilla_1xb100-800e_cifar100.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.FMix', alpha=0.2, spectrum='public_code')],
        probs=[1.0]))

# OpenMixup, for ResNeXt-50 on CIFAR-100 with methods that cut and paste
optim_wrapper = dict(optimizer=dict(weight_decay=5e-4))
