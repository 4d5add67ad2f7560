# With a stem for small images: 3 x 3, stride 1, no pooling.
_base_ = './resnext50.py'

model = dict(backbone=dict(type='mmmix.ResNeXt_CIFAR'))
