_base_ = [
    '../_base_/models/resnet18-cifar.py',
    '../_base_/datasets/cifar100_openmixup.py',
    '../_base_/schedules/cifar_bs100_sgd_800e.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(num_classes=_base_.data_preprocessor.num_classes))
