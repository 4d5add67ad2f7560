# Attentive CutMix's batch
_base_ = './cifar100.py'

train_dataloader = dict(batch_size=32)
