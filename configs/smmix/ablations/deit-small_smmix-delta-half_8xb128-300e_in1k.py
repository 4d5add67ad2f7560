# Table 8, first row: a fixed side ratio
_base_ = '../deit-small_smmix_8xb128-300e_in1k.py'

model = dict(
    train_cfg=dict(augments=[
        dict(type='mmmix.SMMix', delta=0.5),
        _base_.mixing.augments[1],
    ]))
