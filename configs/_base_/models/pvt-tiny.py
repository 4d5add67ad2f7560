# PVT, with the class token of its classifier and patch tokens for the head;
# `head.num_classes` comes from the data set.
model = dict(
    type='mmmix.MixClassifier',
    backbone=dict(
        type='mmmix.PyramidVisionTransformer',
        arch='tiny',
        img_size=224,
        drop_path_rate=0.1,
        conv_norm_eps=1e-5,  # PVT's public code
        # class and patch tokens; the head takes the class token itself
        out_type='raw'),
    head=dict(
        type='mmmix.MixVisionTransformerClsHead',
        in_channels=512,
        loss=dict(
            type='LabelSmoothLoss', label_smooth_val=0.1, mode='original')),
    init_cfg=[
        dict(type='TruncNormal', layer='Linear', std=.02),
        dict(type='Constant', layer='LayerNorm', val=1., bias=0.),
    ])
