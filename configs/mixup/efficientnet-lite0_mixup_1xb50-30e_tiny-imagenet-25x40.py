_base_ = [
    '../vanilla/efficientnet-lite0_vanilla_1xb50-30e_tiny-imagenet-25x40.py',
    '../_base_/mixing/small/mixup.py',
]

model = dict(train_cfg=_base_.mixing)
