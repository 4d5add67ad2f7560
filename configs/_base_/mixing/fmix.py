# FMix alone in half of the iterations, with nothing mixed in the others, as
# cutmix.py explains; alpha and delta are the paper's. Use as
# `model.train_cfg`.
mixing = dict(
    augments=[dict(type='mmmix.FMix', alpha=1.0, delta=3.0)], probs=[0.5])
