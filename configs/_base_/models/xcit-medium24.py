# XCiT-M24/16
_base_ = './xcit-tiny24.py'

model = dict(
    backbone=dict(embed_dims=512, num_heads=8), head=dict(in_channels=512))
