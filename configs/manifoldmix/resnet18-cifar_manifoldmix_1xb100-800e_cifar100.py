# OpenMixup: before the stem, after stage 1, or after stage 2.
_base_ = '../vanilla/resnet18-cifar_vanilla_1xb100-800e_cifar100.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.ManifoldMix', alpha=2.0)], probs=[1.0]))
