# OpenMixup's PuzzleMix, with an exact cut.
_base_ = '../vanilla/resnet18-cifar_vanilla_1xb100-200e_cifar100.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.PuzzleMix', alpha=1.0, transport_size=4)],
        probs=[1.0]))
