# MixPro, Table 11, which follows TransMix: DeiT's recipe with 20 epochs of
# warm-up. It is also Swin's own.
_base_ = './imagenet_bs1024_adamw_300e.py'

param_scheduler = [
    dict(_base_.param_scheduler[0], end=20),
    dict(_base_.param_scheduler[1], begin=20),
]
