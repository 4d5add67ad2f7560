_base_ = [
    '../vanilla/vit-xs_vanilla_synthetic.py',
    '../_base_/mixing/cutmix.py',
]

model = dict(train_cfg=_base_.mixing)
