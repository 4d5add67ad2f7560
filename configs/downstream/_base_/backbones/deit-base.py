_base_ = './deit-small.py'

backbone = dict(
    arch='deit-base',
    init_cfg=dict(
        checkpoint='work_dirs/deit-base_smmix_8xb128-300e_in1k/epoch_300.pth'))
