# XCiT-T24/16, MMPretrain's; `head.num_classes` comes from the data set.
model = dict(
    type='mmmix.MixClassifier',
    backbone=dict(
        type='XCiT',
        img_size=224,
        patch_size=16,
        embed_dims=192,
        depth=24,
        num_heads=4,
        layer_scale_init_value=1e-5,
        tokens_norm=True,
        # MixPro, Table 11; it is also the default of XCiT's public code
        drop_path_rate=0.1,
        # class and patch tokens; the neck takes the class token
        out_type='raw',
        # MMPretrain's default has a standard deviation of 1
        init_cfg=dict(type='TruncNormal', layer='Linear', std=.02)),
    neck=dict(type='mmmix.ClassTokenNeck'),
    head=dict(
        type='mmmix.MixLinearClsHead',
        in_channels=192,
        init_cfg=dict(type='TruncNormal', layer='Linear', std=.02),
        loss=dict(
            type='LabelSmoothLoss', label_smooth_val=0.1, mode='original')))
