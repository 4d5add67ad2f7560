# ResNeXt-50, 32 groups of 4 channels
_base_ = './resnet18.py'

model = dict(
    backbone=dict(type='ResNeXt', depth=50), head=dict(in_channels=2048))
