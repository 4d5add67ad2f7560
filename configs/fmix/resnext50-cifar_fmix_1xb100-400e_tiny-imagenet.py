# OpenMixup's FMix: the public code's masks, with waves along one axis.
_base_ = '../vanilla/resnext50-cifar_vanilla_1xb100-400e_tiny-imagenet.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.FMix', alpha=1.0, spectrum='public_code')],
        probs=[1.0]))
