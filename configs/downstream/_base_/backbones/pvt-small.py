_base_ = './pvt-tiny.py'

backbone = dict(
    arch='small',
    init_cfg=dict(
        checkpoint='work_dirs/pvt-small_smmix_8xb128-300e_in1k/epoch_300.pth'))
