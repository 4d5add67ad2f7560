# ResizeMix alone, in every iteration: the protocol of the OpenMixup benchmark,
# which the SMMix paper quotes; it shrinks by nearest neighbours. Use as
# `model.train_cfg`.
mixing = dict(
    augments=[dict(type='mmmix.ResizeMix', interpolation='nearest')],
    probs=[1.0])
