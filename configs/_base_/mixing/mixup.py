# Mixup in every iteration, with the alpha of its paper on CIFAR. Use as
# `model.train_cfg`.
mixing = dict(augments=[dict(type='mmmix.Mixup', alpha=1.0)], probs=[1.0])
