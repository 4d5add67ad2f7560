# Table 7, third column: single patches, labels by area
_base_ = './deit-small_maskmix_8xb128-warm20-300e_in1k.py'

model = dict(
    train_cfg=dict(augments=[
        dict(type='mmmix.MaskMix', scale=1),
        *_base_.mixing.augments[1:],
    ]))
