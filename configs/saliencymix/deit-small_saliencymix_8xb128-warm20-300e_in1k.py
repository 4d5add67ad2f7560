# MixPro, Table 2: SaliencyMix, as in its paper, in the place of CutMix in
# DeiT's recipe.
_base_ = '../vanilla/deit-small_vanilla_8xb128-warm20-300e_in1k.py'

model = dict(
    train_cfg=dict(
        augments=[
            dict(type='mmmix.Mixup', alpha=0.8),
            dict(type='mmmix.SaliencyMix')
        ],
        probs=[0.5, 0.5],
        guide=dict(attention=dict(type='mmmix.ImageGuide'))))
