# XCiT-S12/16
_base_ = './xcit-tiny24.py'

model = dict(
    backbone=dict(
        embed_dims=384,
        depth=12,
        num_heads=8,
        layer_scale_init_value=1.0,
        # the README of XCiT's public code; MixPro, Table 11, has 0.1 for all
        drop_path_rate=0.05),
    head=dict(in_channels=384))
