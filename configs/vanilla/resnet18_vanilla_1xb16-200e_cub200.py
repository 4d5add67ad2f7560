_base_ = [
    '../_base_/models/resnet18.py',
    '../_base_/datasets/cub200.py',
    '../_base_/schedules/cub_bs16_sgd_200e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    # PyTorch's ImageNet weights, as in OpenMixup's benchmark
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='torchvision://resnet18',
            unused=['fc.*'])),
    head=dict(num_classes=_base_.data_preprocessor.num_classes))
