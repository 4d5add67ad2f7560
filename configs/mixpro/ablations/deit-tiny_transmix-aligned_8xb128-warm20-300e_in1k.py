# Table 8, A: TransMix with CutMix's box aligned with the patch borders
_base_ = '../../transmix/deit-tiny_transmix_8xb128-warm20-300e_in1k.py'

model = dict(
    train_cfg=dict(augments=[
        _base_.mixing.augments[0],
        dict(type='mmmix.MaskMix', strategy='region', scale=1),
    ]))
