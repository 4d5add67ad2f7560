# Mixup or CutMix in every iteration, as in DeiT's recipe: the "CutMix"
# baseline of the SMMix paper. Use as `model.train_cfg`.
mixing = dict(
    augments=[
        dict(type='mmmix.Mixup', alpha=0.8),
        dict(type='mmmix.CutMix', alpha=1.0)
    ],
    probs=[0.5, 0.5])
