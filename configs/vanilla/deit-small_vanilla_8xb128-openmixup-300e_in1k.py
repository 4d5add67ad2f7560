# OpenMixup's recipe for DeiT-S: DeiT's with random erasing and with gradients
# clipped at 5, without drop path. Table 2 of SMMix and Table 1 of TdAttenMix
# quote its numbers.
_base_ = [
    '../_base_/models/deit-small.py',
    '../_base_/datasets/imagenet1k_deit_erasing.py',
    '../_base_/schedules/imagenet_bs1024_adamw_300e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(drop_path_rate=0.0),
    head=dict(num_classes=_base_.data_preprocessor.num_classes))

optim_wrapper = dict(clip_grad=dict(max_norm=5.0))
