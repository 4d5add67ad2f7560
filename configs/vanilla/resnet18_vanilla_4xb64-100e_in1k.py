_base_ = [
    '../_base_/models/resnet18.py',
    '../_base_/datasets/imagenet1k.py',
    '../_base_/schedules/imagenet_bs256_sgd_100e.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(num_classes=_base_.data_preprocessor.num_classes))
