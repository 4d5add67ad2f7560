_base_ = './ca-swin-tiny.py'

model = dict(backbone=dict(arch='small', drop_path_rate=0.3))
