# TdAttenMix's public code on Tiny-ImageNet
_base_ = './cifar_bs200_sgd_800e.py'

lr = 0.2 * 200 / 512
optim_wrapper = dict(optimizer=dict(lr=lr))
param_scheduler = [
    dict(_base_.param_scheduler[0], start_factor=1e-6 / lr),
    _base_.param_scheduler[1],
]
train_cfg = dict(max_epochs=400)
