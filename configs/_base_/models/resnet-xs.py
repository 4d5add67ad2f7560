# A ResNet-18 with a quarter of the channels and 0.7 M parameters. The last
# feature map is 4 x 4 for images of 64 x 64 pixels: short trainings on a CPU.
# `head.num_classes` comes from the data set.
model = dict(
    type='mmmix.MixClassifier',
    backbone=dict(
        type='ResNet',
        depth=18,
        stem_channels=16,
        base_channels=16,
        strides=(1, 2, 2, 1)),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='mmmix.MixLinearClsHead',
        in_channels=128,
        loss=dict(
            type='LabelSmoothLoss', label_smooth_val=0.1, mode='original')))
