# In half of the iterations: the protocol of the small sets, which
# ../cutmix.py explains. Use as `model.train_cfg` and `model.head.label_rule`.
_base_ = '../cutmix.py'

label_rule = dict(type='mmmix.TransMixLabel', downsample='nearest')
