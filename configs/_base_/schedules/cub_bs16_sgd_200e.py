# OpenMixup's benchmark on CUB-200; TdAttenMix's public code has no settings
_base_ = './cifar_bs100_sgd_800e.py'

optim_wrapper = dict(optimizer=dict(lr=1e-3, weight_decay=5e-4))
train_cfg = dict(max_epochs=200)
auto_scale_lr = dict(base_batch_size=16)
