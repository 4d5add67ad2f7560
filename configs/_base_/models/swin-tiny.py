# MMPretrain's Swin; `head.num_classes` comes from the data set.
model = dict(
    type='mmmix.MixClassifier',
    backbone=dict(
        type='SwinTransformer', arch='tiny', img_size=224, drop_path_rate=0.2),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='mmmix.MixLinearClsHead',
        in_channels=768,
        # that of the model, below
        init_cfg=None,
        loss=dict(
            type='LabelSmoothLoss', label_smooth_val=0.1, mode='original')),
    init_cfg=[
        dict(type='TruncNormal', layer='Linear', std=.02),
        dict(type='Constant', layer='LayerNorm', val=1., bias=0.),
    ])

# Swin's public code; use as `optim_wrapper.clip_grad`
clip_grad = dict(max_norm=5.0)
