# MixToken in half of the iterations, with nothing mixed in the others: the
# protocol of the small sets (cutmix.py says why). Use as `model.train_cfg`.
mixing = dict(augments=[dict(type='mmmix.MixToken', alpha=1.0)], probs=[0.5])
