# PuzzleMix alone in half of the iterations, as cutmix.py, which explains why.
# The model under training guides it, by the gradients of its loss. On images
# of 32 pixels the cells that move have 4, as in the public code on CIFAR. Use
# as `model.train_cfg`.
mixing = dict(
    augments=[dict(type='mmmix.PuzzleMix', transport_size=4)], probs=[0.5])
