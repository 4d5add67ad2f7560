_base_ = [
    '../_base_/models/pvt-medium.py',
    '../_base_/datasets/imagenet1k_deit.py',
    '../_base_/schedules/imagenet_bs1024_adamw_warm20_300e.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(num_classes=_base_.data_preprocessor.num_classes))
optim_wrapper = dict(clip_grad=_base_.clip_grad)
