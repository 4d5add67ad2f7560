_base_ = [
    '../vanilla/resnet34_vanilla_1xb64-100e_in1k.py',
    '../_base_/mixing/mixup_alpha02.py',
]

model = dict(train_cfg=_base_.mixing)
