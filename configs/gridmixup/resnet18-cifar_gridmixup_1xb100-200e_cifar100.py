# "GridMix" in the tables: OpenMixup ran Dobrynin's GridMixup.
_base_ = '../vanilla/resnet18-cifar_vanilla_1xb100-200e_cifar100.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.GridMixup', alpha=0.2, wrap_around=True)],
        probs=[1.0]))
