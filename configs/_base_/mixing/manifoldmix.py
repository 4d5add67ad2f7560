# ManifoldMix in half of the iterations, with nothing mixed in the others: the
# protocol of the small sets (cutmix.py says why). alpha is the public code's
# for CIFAR, and the places are its own and OpenMixup's, as a ResNet calls
# them. Use as `model.train_cfg`.
mixing = dict(
    augments=[
        dict(
            type='mmmix.ManifoldMix',
            alpha=2.0,
            sites=['input', 'layer1', 'layer2'])
    ],
    probs=[0.5])
