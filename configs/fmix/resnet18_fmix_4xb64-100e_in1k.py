# OpenMixup's FMix: the public code's masks, with waves along one axis.
_base_ = '../vanilla/resnet18_vanilla_4xb64-100e_in1k.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.FMix', alpha=0.2, spectrum='public_code')],
        probs=[1.0]))
