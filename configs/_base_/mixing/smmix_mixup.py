# SMMix or Mixup, each with probability 0.5 (section 5.1), and the two losses
# on the batches that SMMix mixed (Eq. 15). Use as `model.train_cfg`
# and `model.head.mix_losses`.
_base_ = './smmix.py'

mixing = dict(
    augments=[
        _base_.mixing.augments[0],
        dict(type='mmmix.Mixup', alpha=0.8)  # DeiT's recipe
    ],
    probs=[0.5, 0.5])
