_base_ = ['./pvt-xs.py', './mask-rcnn.py']

model = dict(
    _delete_=True,
    **_base_.mask_rcnn,
    backbone=_base_.backbone,
    neck=dict(
        type='FPN', in_channels=[32, 64, 96, 128], out_channels=64,
        num_outs=5))
