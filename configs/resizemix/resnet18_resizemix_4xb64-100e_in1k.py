_base_ = [
    '../vanilla/resnet18_vanilla_4xb64-100e_in1k.py',
    '../_base_/mixing/resizemix.py',
]

model = dict(train_cfg=_base_.mixing)
