# CutMix alone in half of the iterations, with nothing mixed in the others: the
# protocol of the small sets, shared with SMMix (smmix.py). The SMMix paper
# uses Mixup in the other half, to regularise 300 epochs; a small ViT does not
# overfit in a short training, and the effect of Mixup on both methods would
# only blur their difference. In unmixed batches the model that guides SMMix
# also sees whole objects. The CutMix paper mixes as often on CIFAR. Use as
# `model.train_cfg`.
mixing = dict(augments=[dict(type='mmmix.CutMix', alpha=1.0)], probs=[0.5])
