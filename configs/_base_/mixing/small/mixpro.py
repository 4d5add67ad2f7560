# In half of the iterations: the protocol of the small sets, which
# ../cutmix.py explains. To be used as `model.train_cfg` and
# `model.head.label_rule`. Cells of two patches: four of a small image's eight
# would leave two by two cells.
mixing = dict(
    augments=[dict(type='mmmix.MaskMix', scale=2, patch_size=8)], probs=[0.5])

label_rule = dict(type='mmmix.ProgressiveAttentionLabel')
