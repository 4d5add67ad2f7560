# MixPro: MaskMix in half of the iterations (the probability of the authors'
# public code), Mixup in the others (Table 6: CutMix is not used beside
# MaskMix), with progressive labels. To be used as `model.train_cfg` and
# `model.head.label_rule`.
mixing = dict(
    augments=[
        # cells of 64 pixels; those at the border of 224 are cut to 32
        dict(type='mmmix.MaskMix', scale=4, patch_size=16),
        dict(type='mmmix.Mixup', alpha=0.8),
    ],
    probs=[0.5, 0.5])

label_rule = dict(type='mmmix.ProgressiveAttentionLabel', downsample='nearest')
