# Co-Mixup alone in half of the iterations, as cutmix.py, which explains why.
# The model under training guides it, by the gradients of its loss. Use as
# `model.train_cfg`.
mixing = dict(augments=[dict(type='mmmix.CoMixup')], probs=[0.5])
