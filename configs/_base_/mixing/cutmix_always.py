# CutMix in every iteration: its paper on ImageNet. (On CIFAR that mixes every
# second one: cutmix.py.) To be used as `model.train_cfg`.
mixing = dict(augments=[dict(type='mmmix.CutMix', alpha=1.0)], probs=[1.0])
