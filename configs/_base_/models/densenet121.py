# MMPretrain's DenseNet; `head.num_classes` comes from the data set.
model = dict(
    type='mmmix.MixClassifier',
    backbone=dict(type='DenseNet', arch='121'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='mmmix.MixLinearClsHead', in_channels=1024))
