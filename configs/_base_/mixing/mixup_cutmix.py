# The DeiT recipe, the SMMix paper's "CutMix" baseline: one of the two in every
# iteration. To be used as `model.train_cfg`.
mixing = dict(
    augments=[
        dict(type='mmmix.Mixup', alpha=0.8),
        dict(type='mmmix.CutMix', alpha=1.0)
    ],
    probs=[0.5, 0.5])
