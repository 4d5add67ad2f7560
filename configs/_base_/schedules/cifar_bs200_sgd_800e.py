# TdAttenMix's public code on CIFAR-100: two GPUs with 100 images each. Its
# rate of 0.1 is for 512 images, as in DeiT's code, whose warm-up and floor it
# has.
_base_ = './cifar_bs100_sgd_800e.py'

lr = 0.1 * 200 / 512
optim_wrapper = dict(
    constructor='mmmix.MergedParamGroups',
    optimizer=dict(lr=lr, nesterov=True),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0))

param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=1e-6 / lr,
        by_epoch=True,
        end=5,
        convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min=1e-5, by_epoch=True, begin=5)
]

auto_scale_lr = dict(base_batch_size=200)
