_base_ = './efficientnet-b0.py'

model = dict(backbone=dict(arch='b7'), head=dict(in_channels=2560))
