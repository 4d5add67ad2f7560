# Table 7, last column, and the baseline of Table 9: labels by area
_base_ = [
    '../../vanilla/deit-tiny_vanilla_8xb128-warm20-300e_in1k.py',
    '../../_base_/mixing/mixpro.py',
]

model = dict(train_cfg=_base_.mixing)
