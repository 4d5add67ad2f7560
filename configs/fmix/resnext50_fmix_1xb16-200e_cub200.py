# OpenMixup's FMix: the public code's masks, with waves along one axis.
_base_ = '../vanilla/resnext50_vanilla_1xb16-200e_cub200.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.FMix', alpha=0.2, spectrum='public_code')],
        probs=[1.0]))
