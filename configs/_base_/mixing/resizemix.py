# ResizeMix alone, in every iteration: the protocol of the OpenMixup benchmark,
# which the SMMix paper quotes. Use as `model.train_cfg`.
mixing = dict(augments=[dict(type='mmmix.ResizeMix', alpha=1.0)], probs=[1.0])
