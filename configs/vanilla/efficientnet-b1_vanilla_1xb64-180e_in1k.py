_base_ = [
    '../_base_/models/efficientnet-b1.py',
    '../_base_/datasets/imagenet1k.py',
    '../_base_/schedules/imagenet_bs64_adam_180e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(init_cfg=_base_.xavier_normal),
    head=dict(
        num_classes=_base_.data_preprocessor.num_classes,
        init_cfg=_base_.xavier_normal))
