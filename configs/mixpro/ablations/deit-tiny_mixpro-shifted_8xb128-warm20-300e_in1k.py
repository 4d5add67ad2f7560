# Table 8, B: the cells are not aligned with the patch borders
_base_ = '../deit-tiny_mixpro_8xb128-warm20-300e_in1k.py'

model = dict(
    train_cfg=dict(augments=[
        dict(type='mmmix.MaskMix', scale=4, alignment='shifted'),
        *_base_.mixing.augments[1:],
    ]))
