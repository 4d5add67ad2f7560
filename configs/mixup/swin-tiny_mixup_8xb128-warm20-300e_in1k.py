_base_ = [
    '../vanilla/swin-tiny_vanilla_8xb128-warm20-300e_in1k.py',
    '../_base_/mixing/mixup_alpha02.py',
]

model = dict(train_cfg=_base_.mixing)
