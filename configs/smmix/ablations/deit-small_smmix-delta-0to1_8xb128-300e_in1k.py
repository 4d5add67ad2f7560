# Table 8, second row: delta ~ U(0, 1); a region may have no cell or all cells
_base_ = '../deit-small_smmix_8xb128-300e_in1k.py'

model = dict(
    train_cfg=dict(augments=[
        dict(type='mmmix.SMMix', delta=(0, 1)),
        _base_.mixing.augments[1],
    ]))
