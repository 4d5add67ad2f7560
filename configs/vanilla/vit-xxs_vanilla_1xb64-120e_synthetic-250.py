# The training of the quickstart, docs/results/quickstart.md, on images that
# are few enough to be learned by heart.
_base_ = [
    '../_base_/models/vit-xxs.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/small_adamw_10e.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(num_classes=_base_.data_preprocessor.num_classes))
train_dataloader = dict(dataset=dict(num_images=250))
# other images than those by which the epochs and the learning rate were chosen
val_dataloader = dict(dataset=dict(seed=1))
test_dataloader = val_dataloader
# with the schedule's 2e-3, seeds differ by up to ten points
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs=120, val_interval=30)
default_hooks = dict(checkpoint=dict(interval=30))
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
