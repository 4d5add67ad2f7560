# CutMix in every iteration, as in its paper on ImageNet. (On CIFAR the paper
# mixes in half of the iterations: cutmix.py.) Use as `model.train_cfg`.
mixing = dict(augments=[dict(type='mmmix.CutMix', alpha=1.0)], probs=[1.0])
