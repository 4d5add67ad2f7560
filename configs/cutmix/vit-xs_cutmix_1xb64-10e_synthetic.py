_base_ = [
    '../vanilla/vit-xs_vanilla_1xb64-10e_synthetic.py',
    '../_base_/mixing/cutmix.py',
]

model = dict(train_cfg=_base_.mixing)
