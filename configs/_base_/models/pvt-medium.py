# Both numbers are from PVT's public code.
_base_ = './pvt-tiny.py'

model = dict(backbone=dict(arch='medium', drop_path_rate=0.3))

# use as `optim_wrapper.clip_grad`
clip_grad = dict(max_norm=1.0)
