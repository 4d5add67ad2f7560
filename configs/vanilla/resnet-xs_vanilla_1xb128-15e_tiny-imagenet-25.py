# Tiny-ImageNet, the first 25 classes: minutes on a CPU
_base_ = [
    '../_base_/models/resnet-xs.py',
    '../_base_/datasets/tiny_imagenet_25.py',
    '../_base_/schedules/small_adamw_15e.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(num_classes=_base_.data_preprocessor.num_classes))
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
