_base_ = './pvt-tiny.py'

model = dict(backbone=dict(arch='small'))
