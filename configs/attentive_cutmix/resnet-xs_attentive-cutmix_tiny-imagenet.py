_base_ = [
    '../vanilla/resnet-xs_vanilla_tiny-imagenet.py',
    '../_base_/mixing/small/attentive_cutmix.py',
]

model = dict(train_cfg=_base_.mixing)
