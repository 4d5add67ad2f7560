_base_ = './resnet101.py'

model = dict(backbone=dict(depth=152))
