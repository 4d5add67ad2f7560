# TransMix: CutMix with labels from the attention of the mixed images, or
# Mixup, each with probability 0.5 as in DeiT's recipe. Use as
# `model.train_cfg` and `model.head.label_rule`.
_base_ = './mixup_cutmix.py'

label_rule = dict(type='mmmix.TransMixLabel', downsample='nearest')
