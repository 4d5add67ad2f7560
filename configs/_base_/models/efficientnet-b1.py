_base_ = './efficientnet-b0.py'

model = dict(backbone=dict(arch='b1'))
