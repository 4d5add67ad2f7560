# Table 7, second column: blocks of patches, labels by area
_base_ = './deit-tiny_maskmix_8xb128-warm20-300e_in1k.py'

model = dict(
    train_cfg=dict(augments=[
        dict(type='mmmix.MaskMix', strategy='block', scale=1),
        *_base_.mixing.augments[1:],
    ]))
