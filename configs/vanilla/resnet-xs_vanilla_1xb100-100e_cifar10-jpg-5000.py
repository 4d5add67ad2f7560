_base_ = [
    '../_base_/models/resnet-xs-32px.py',
    '../_base_/datasets/cifar10_jpg_5000.py',
    '../_base_/schedules/small_adamw_100e.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(num_classes=_base_.data_preprocessor.num_classes))
train_cfg = dict(val_interval=10)
default_hooks = dict(checkpoint=dict(interval=10))
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
