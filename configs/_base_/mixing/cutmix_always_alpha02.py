# CutMix in every iteration, with the alpha that OpenMixup found best on
# CIFAR-100, and for ResNet-18 on ImageNet. Use as `model.train_cfg`.
mixing = dict(augments=[dict(type='mmmix.CutMix', alpha=0.2)], probs=[1.0])
