# OpenMixup's PuzzleMix, with an exact cut.
_base_ = '../vanilla/resnext50-cifar_vanilla_1xb100-400e_tiny-imagenet.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.PuzzleMix', alpha=1.0, grids=(2, 4, 8))],
        probs=[1.0]))
