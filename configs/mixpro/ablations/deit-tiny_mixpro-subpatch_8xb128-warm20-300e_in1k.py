# Table 8, C: cells smaller than a patch; the paper does not say how small
_base_ = '../deit-tiny_mixpro_8xb128-warm20-300e_in1k.py'

model = dict(
    train_cfg=dict(augments=[
        dict(type='mmmix.MaskMix', scale=0.5, alignment='sub_patch'),
        *_base_.mixing.augments[1:],
    ]))
