# SaliencyMix alone in half of the iterations, with nothing mixed in the
# others, as cutmix.py explains and as its public code does on CIFAR; with the
# map of its paper, for each image. Use as `model.train_cfg`.
mixing = dict(
    augments=[dict(type='mmmix.SaliencyMix', alpha=1.0)],
    probs=[0.5],
    guide=dict(attention=dict(type='mmmix.ImageGuide')))
