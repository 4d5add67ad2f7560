_base_ = [
    '../_base_/models/efficientnet-lite0.py',
    '../_base_/datasets/tiny_imagenet_25x40_128px.py',
    '../_base_/schedules/small_sgd_finetune_30e.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(num_classes=_base_.data_preprocessor.num_classes))
default_hooks = dict(checkpoint=dict(interval=10))
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
