# OpenMixup's benchmark on Tiny-ImageNet
_base_ = './cifar_bs100_sgd_800e.py'

optim_wrapper = dict(optimizer=dict(lr=0.2))
train_cfg = dict(max_epochs=400)
