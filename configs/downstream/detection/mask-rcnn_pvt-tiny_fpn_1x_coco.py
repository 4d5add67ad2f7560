_base_ = [
    '../_base_/detection_coco.py',
    '../_base_/backbones/pvt-tiny.py',
]

model = dict(
    backbone=_base_.backbone, neck=dict(in_channels=[64, 128, 320, 512]))

# PVT's public code for detection
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=2e-4, weight_decay=1e-4))
