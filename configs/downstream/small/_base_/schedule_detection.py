# The losses of such a small detector are unstable at a higher learning rate.
_base_ = './schedule.py'

max_epochs = 4
optim_wrapper = dict(optimizer=dict(lr=3e-4))
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
