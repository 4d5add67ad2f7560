# MixPro, Table 2: PuzzleMix in the place of CutMix in DeiT's recipe.
_base_ = '../vanilla/deit-small_vanilla_8xb128-warm20-300e_in1k.py'

model = dict(
    train_cfg=dict(
        augments=[
            dict(type='mmmix.Mixup', alpha=0.8),
            dict(type='mmmix.PuzzleMix', grids=(2, 4, 8))
        ],
        probs=[0.5, 0.5]))
