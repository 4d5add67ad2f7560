_base_ = [
    '../vanilla/densenet264_vanilla_1xb64-100e_in1k.py',
    '../_base_/mixing/attentive_cutmix.py',
]

model = dict(train_cfg=_base_.mixing)
