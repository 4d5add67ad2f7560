_base_ = [
    '../_base_/models/resnet18-cifar.py',
    '../_base_/datasets/tiny_imagenet_openmixup.py',
    '../_base_/schedules/tiny-imagenet_bs100_sgd_400e.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(num_classes=_base_.data_preprocessor.num_classes))
