# The largest model of the DenseNet paper (Table 1), which MMPretrain does not
# name
_base_ = './densenet121.py'

model = dict(
    backbone=dict(
        arch=dict(
            _delete_=True,
            growth_rate=32,
            depths=[6, 12, 64, 48],
            init_channels=64)),
    head=dict(in_channels=2688))
