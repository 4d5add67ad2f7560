_base_ = [
    '../vanilla/resnext50-cifar_vanilla_1xb100-400e_tiny-imagenet.py',
    '../_base_/mixing/resizemix.py',
]

model = dict(train_cfg=_base_.mixing)
