# Figure 5b, beta 0.8
_base_ = '../deit-small_mixpro_8xb128-warm20-300e_in1k.py'

model = dict(
    train_cfg=dict(augments=[
        dict(type='mmmix.MaskMix', scale=4, beta=0.8),
        *_base_.mixing.augments[1:],
    ]))
