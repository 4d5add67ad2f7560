_base_ = [
    '../_base_/models/densenet169.py',
    '../_base_/datasets/cifar10_bs32.py',
    '../_base_/schedules/cifar_bs32_adam_80e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(init_cfg=_base_.xavier_normal),
    head=dict(
        num_classes=_base_.data_preprocessor.num_classes,
        init_cfg=_base_.xavier_normal))
