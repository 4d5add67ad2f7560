# MMPretrain's EfficientNet; `head.num_classes` comes from the data set.
model = dict(
    type='mmmix.MixClassifier',
    backbone=dict(type='EfficientNet', arch='b0'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='mmmix.MixLinearClsHead', in_channels=1280))
