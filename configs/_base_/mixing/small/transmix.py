# In half of the iterations: the protocol of the small sets, which
# ../cutmix.py explains. To be used as `model.train_cfg` and
# `model.head.label_rule`.
mixing = dict(augments=[dict(type='mmmix.CutMix', alpha=1.0)], probs=[0.5])

label_rule = dict(type='mmmix.TransMixLabel', downsample='nearest')
