_base_ = [
    '../vanilla/densenet169_vanilla_1xb32-80e_cifar10.py',
    '../_base_/mixing/attentive_cutmix.py',
]

model = dict(train_cfg=_base_.mixing)
