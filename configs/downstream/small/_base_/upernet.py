# UperNet with narrow layers; inheriting configs add backbone, neck and the
# numbers of channels and classes.
custom_hooks = [dict(type='mmmix.ClassCountHook')]
upernet = dict(
    type='EncoderDecoder',
    decode_head=dict(
        type='UPerHead',
        in_index=[0, 1, 2, 3],
        pool_scales=(1, 2, 3, 6),
        channels=64,
        dropout_ratio=0.1,
        norm_cfg=dict(type='BN'),
        align_corners=False,
        loss_decode=dict(
            type='CrossEntropyLoss',
            # average over labelled pixels only
            avg_non_ignore=True,
            loss_weight=1.0)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
