# Tiny-ImageNet, all 200 classes
_base_ = [
    '../_base_/models/vit-xs-64px.py',
    '../_base_/datasets/tiny_imagenet.py',
    '../_base_/schedules/small_adamw_100e.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(num_classes=_base_.data_preprocessor.num_classes))
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
