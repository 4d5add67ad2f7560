_base_ = './small_adamw_10e.py'

train_cfg = dict(max_epochs=15)
