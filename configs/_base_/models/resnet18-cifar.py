# With a stem for small images: 3 x 3, stride 1, no pooling.
_base_ = './resnet18.py'

model = dict(backbone=dict(type='ResNet_CIFAR'))
