_base_ = [
    '../vanilla/vit-xs_vanilla_1xb100-100e_cifar10-jpg-5000.py',
    '../_base_/mixing/small/attentive_cutmix.py',
]

model = dict(train_cfg=_base_.mixing)
