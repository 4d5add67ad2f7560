# OpenMixup's benchmark of ResNets on ImageNet; TdAttenMix's public code has no
# settings
_base_ = './cifar_bs100_sgd_800e.py'

train_cfg = dict(max_epochs=100)
auto_scale_lr = dict(base_batch_size=256)
