# OpenMixup: before the stem, after stage 1, or after stage 2.
_base_ = '../vanilla/resnext50_vanilla_1xb16-200e_cub200.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.ManifoldMix', alpha=0.5)], probs=[1.0]))
