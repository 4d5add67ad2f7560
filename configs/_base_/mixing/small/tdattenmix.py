# In half of the iterations: the protocol of the small sets, which
# ../cutmix.py explains. To be used as `model.train_cfg`,
# `model.head.label_rule` and `model.head.mix_losses`.
_base_ = '../smmix.py'

mixing = dict(
    guide=dict(
        type='mmmix.SelfGuide',
        attention_map=dict(type='mmmix.TopDown', sigma=1.0)))

label_rule = dict(type='mmmix.AreaAttentionLabel', beta=0.5)

mix_losses = dict(consistency=dict(distance='l1'))
