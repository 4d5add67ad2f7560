_base_ = [
    '../_base_/models/resnext50.py',
    '../_base_/datasets/cub200.py',
    '../_base_/schedules/cub_bs16_sgd_200e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    # PyTorch's ImageNet weights, as in OpenMixup's benchmark
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='torchvision://resnext50_32x4d',
            unused=['fc.*'])),
    head=dict(num_classes=_base_.data_preprocessor.num_classes))
