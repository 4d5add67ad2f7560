_base_ = [
    '../vanilla/resnet152_vanilla_1xb64-100e_in1k.py',
    '../_base_/mixing/cutmix_always.py',
]

model = dict(train_cfg=_base_.mixing)
