# Mixup in every iteration, with the alpha of its paper on ImageNet. Use
# as `model.train_cfg`.
mixing = dict(augments=[dict(type='mmmix.Mixup', alpha=0.2)], probs=[1.0])
