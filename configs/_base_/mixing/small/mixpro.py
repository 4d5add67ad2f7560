# In half of the iterations: the protocol of the small sets, which
# ../cutmix.py explains. Use as `model.train_cfg` and
# `model.head.label_rule`. A cell is two patches wide: with four, the 8 x 8
# patches of a small image would form only 2 x 2 cells.
mixing = dict(
    augments=[dict(type='mmmix.MaskMix', scale=2, patch_size=8)], probs=[0.5])

label_rule = dict(type='mmmix.ProgressiveAttentionLabel')
