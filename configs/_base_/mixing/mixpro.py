# MixPro: MaskMix in half of the iterations (the probability in the authors'
# public code), Mixup in the others (in Table 6, CutMix is not used together
# with MaskMix), with progressive labels. Use as `model.train_cfg` and
# `model.head.label_rule`.
mixing = dict(
    augments=[
        # cells of 64 pixels for any size of patches; those at the border of
        # 224 are cut to 32
        dict(type='mmmix.MaskMix', scale=4, patch_size=16),
        dict(type='mmmix.Mixup', alpha=0.8),
    ],
    probs=[0.5, 0.5])

label_rule = dict(type='mmmix.ProgressiveAttentionLabel', downsample='nearest')
