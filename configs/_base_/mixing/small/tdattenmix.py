# In half of the iterations, without Mixup in the others: the protocol of the
# small sets, which ../cutmix.py explains. Use as `model.train_cfg`,
# `model.head.label_rule` and `model.head.mix_losses`.
_base_ = '../tdattenmix.py'

mixing = dict(augments=_base_.mixing.augments[:1], probs=[0.5])
