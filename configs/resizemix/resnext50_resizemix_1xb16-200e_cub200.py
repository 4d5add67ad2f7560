_base_ = [
    '../vanilla/resnext50_vanilla_1xb16-200e_cub200.py',
    '../_base_/mixing/resizemix.py',
]

model = dict(train_cfg=_base_.mixing)
