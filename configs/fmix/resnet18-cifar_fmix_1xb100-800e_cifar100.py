# OpenMixup's FMix: the public code's masks, with waves along one axis.
_base_ = '../vanilla/resnet18-cifar_vanilla_1xb100-800e_cifar100.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.FMix', alpha=0.2, spectrum='public_code')],
        probs=[1.0]))
