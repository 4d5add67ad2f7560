# Table 7, last column: labels by area
_base_ = [
    '../../vanilla/deit-small_vanilla_8xb128-warm20-300e_in1k.py',
    '../../_base_/mixing/mixpro.py',
]

model = dict(train_cfg=_base_.mixing)
