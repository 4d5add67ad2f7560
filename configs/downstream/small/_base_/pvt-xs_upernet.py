_base_ = ['./pvt-xs.py', './upernet.py']

model = dict(_delete_=True, **_base_.upernet, backbone=_base_.backbone)
model['decode_head'].update(in_channels=[32, 64, 96, 128])
