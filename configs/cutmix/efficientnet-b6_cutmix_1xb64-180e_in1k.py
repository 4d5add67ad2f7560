_base_ = [
    '../vanilla/efficientnet-b6_vanilla_1xb64-180e_in1k.py',
    '../_base_/mixing/cutmix_always.py',
]

model = dict(train_cfg=_base_.mixing)
