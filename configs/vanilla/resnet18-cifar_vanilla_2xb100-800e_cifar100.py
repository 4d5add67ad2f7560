# The recipe of TdAttenMix's public code
_base_ = [
    '../_base_/models/resnet18-cifar.py',
    '../_base_/datasets/cifar100_tdattenmix.py',
    '../_base_/schedules/cifar_bs200_sgd_800e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    head=dict(
        num_classes=_base_.data_preprocessor.num_classes,
        loss=dict(
            type='LabelSmoothLoss', label_smooth_val=0.1, mode='original')))
