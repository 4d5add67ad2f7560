# In half of the iterations: the protocol of the small sets, which
# ../cutmix.py explains. Use as `model.train_cfg`.
mixing = dict(augments=[dict(type='mmmix.Mixup', alpha=0.8)], probs=[0.5])
