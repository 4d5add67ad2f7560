_base_ = [
    '../_base_/models/vit-xs.py',
    '../_base_/datasets/cifar100.py',
    '../_base_/schedules/small_adamw_100e.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(num_classes=_base_.data_preprocessor.num_classes))
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
