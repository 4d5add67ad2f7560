# timm's CaiT; `head.num_classes` comes from the data set.
model = dict(
    type='mmmix.MixClassifier',
    backbone=dict(
        type='mmmix.CaiT',
        model_name='cait_xxs24_224',
        # the same in every block, as in PaddleViT's reimplementation
        drop_path_rate=0.05),
    head=dict(
        type='mmmix.MixVisionTransformerClsHead',
        in_channels=192,
        loss=dict(
            type='LabelSmoothLoss', label_smooth_val=0.1, mode='original')),
    # as in timm, and for the head, too
    init_cfg=[
        dict(type='TruncNormal', layer='Linear', std=.02),
        dict(type='Constant', layer='LayerNorm', val=1., bias=0.),
    ])
