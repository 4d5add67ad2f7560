# Three epochs of 60 steps.
_base_ = './schedule.py'

max_epochs = 3
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
