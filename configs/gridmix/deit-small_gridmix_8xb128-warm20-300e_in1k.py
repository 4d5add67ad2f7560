# MixPro, Table 2: GridMix in the place of CutMix in DeiT's recipe. Which
# GridMix it is, is not said; this is that of Baek et al., on cells of 2 x 2
# patches.
_base_ = '../vanilla/deit-small_vanilla_8xb128-warm20-300e_in1k.py'

model = dict(
    train_cfg=dict(
        augments=[
            dict(type='mmmix.Mixup', alpha=0.8),
            dict(
                type='mmmix.MaskMix',
                scale=2,
                patch_size=16,
                pairing='shuffle')
        ],
        probs=[0.5, 0.5]),
    head=dict(
        mix_losses=dict(
            dense=dict(
                type='mmmix.DenseLabelLoss',
                second_classifier=True,
                label_smooth=0.1))))
