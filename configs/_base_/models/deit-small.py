_base_ = './deit-tiny.py'

model = dict(backbone=dict(arch='deit-small'), head=dict(in_channels=384))
