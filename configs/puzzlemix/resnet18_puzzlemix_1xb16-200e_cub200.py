# OpenMixup's PuzzleMix, with an exact cut.
_base_ = '../vanilla/resnet18_vanilla_1xb16-200e_cub200.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.PuzzleMix', alpha=1.0, grids=(2, 4, 8))],
        probs=[1.0]))
