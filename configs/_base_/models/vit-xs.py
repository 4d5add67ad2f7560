# A ViT with 0.46 M parameters for images of 32 x 32 pixels, for short
# trainings on a CPU; `head.num_classes` comes from the data set.
model = dict(
    type='mmmix.MixClassifier',
    backbone=dict(
        type='VisionTransformer',
        arch=dict(
            embed_dims=96, num_layers=6, num_heads=3,
            feedforward_channels=192),
        img_size=32,
        patch_size=4,
        # class and patch tokens; the head takes the class token itself
        out_type='raw'),
    head=dict(
        type='mmmix.MixVisionTransformerClsHead',
        in_channels=96,
        loss=dict(
            type='LabelSmoothLoss', label_smooth_val=0.1, mode='original')),
    init_cfg=[
        dict(type='TruncNormal', layer='Linear', std=.02),
        dict(type='Constant', layer='LayerNorm', val=1., bias=0.),
    ])
