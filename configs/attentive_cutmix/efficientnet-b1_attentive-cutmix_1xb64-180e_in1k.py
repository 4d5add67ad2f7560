_base_ = [
    '../vanilla/efficientnet-b1_vanilla_1xb64-180e_in1k.py',
    '../_base_/mixing/attentive_cutmix.py',
]

model = dict(train_cfg=_base_.mixing)
