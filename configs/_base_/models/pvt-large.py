_base_ = './pvt-medium.py'

model = dict(backbone=dict(arch='large'))
