# XCiT-L24/16
_base_ = './xcit-tiny24.py'

model = dict(
    backbone=dict(embed_dims=768, num_heads=16), head=dict(in_channels=768))
