# OpenMixup's PuzzleMix, with an exact cut.
_base_ = '../vanilla/deit-small_vanilla_8xb128-openmixup-300e_in1k.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.PuzzleMix', alpha=1.0, grids=(2, 4, 8))],
        probs=[1.0]))
