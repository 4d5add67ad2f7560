# The decoder learns ten times as fast as the backbone, as mmseg's configs of
# transformers do: twenty steps are an epoch here.
_base_ = './schedule.py'

optim_wrapper = dict(
    optimizer=dict(lr=5e-4),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=10.))))
