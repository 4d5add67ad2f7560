# Table 9, second row: the pasted patches are shuffled among their places
_base_ = './deit-tiny_maskmix_8xb128-warm20-300e_in1k.py'

model = dict(
    train_cfg=dict(augments=[
        dict(type='mmmix.MaskMix', scale=4, shuffle_patches=True),
        *_base_.mixing.augments[1:],
    ]))
