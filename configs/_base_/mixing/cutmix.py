# CutMix alone in half of the iterations, nothing mixed in the others: the
# protocol of the small sets, the same for SMMix (smmix.py). The paper's other
# half, Mixup, regularises 300 epochs; a small ViT in a short training does not
# overfit yet, and what Mixup does to both methods would only blur their
# difference. Unmixed batches are also where the model that guides SMMix learns
# what an object looks like. CutMix's own paper mixes as often on CIFAR. To be
# used as `model.train_cfg`.
mixing = dict(augments=[dict(type='mmmix.CutMix', alpha=1.0)], probs=[0.5])
