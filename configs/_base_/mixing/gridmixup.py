# GridMixup alone in half of the iterations, with nothing mixed in the others,
# as cutmix.py explains. Use as `model.train_cfg`.
mixing = dict(augments=[dict(type='mmmix.GridMixup')], probs=[0.5])
