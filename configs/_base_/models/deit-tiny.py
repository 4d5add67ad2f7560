# MMPretrain's DeiT, with drop path 0.1 in every size and patch tokens for the
# head; `head.num_classes` comes from the data set.
model = dict(
    type='mmmix.MixClassifier',
    backbone=dict(
        type='VisionTransformer',
        arch='deit-tiny',
        img_size=224,
        patch_size=16,
        drop_path_rate=0.1,
        # class and patch tokens; the head takes the class token itself
        out_type='raw'),
    head=dict(
        type='mmmix.MixVisionTransformerClsHead',
        in_channels=192,
        loss=dict(
            type='LabelSmoothLoss', label_smooth_val=0.1, mode='original')),
    init_cfg=[
        dict(type='TruncNormal', layer='Linear', std=.02),
        dict(type='Constant', layer='LayerNorm', val=1., bias=0.),
    ])
