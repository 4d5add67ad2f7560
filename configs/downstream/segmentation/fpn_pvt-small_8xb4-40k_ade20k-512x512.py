_base_ = './fpn_pvt-tiny_8xb4-40k_ade20k-512x512.py'

model = dict(
    backbone=dict(
        arch='small',
        init_cfg=dict(checkpoint='work_dirs/pvt-small_smmix_8xb128-300e_in1k/'
                      'epoch_300.pth')))
