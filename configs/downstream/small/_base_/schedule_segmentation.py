# The learning rate of the decoder is ten times that of the backbone, as in
# mmseg's configs for transformers. An epoch has twenty steps.
_base_ = './schedule.py'

optim_wrapper = dict(
    optimizer=dict(lr=5e-4),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=10.))))
