# stopped.py, sharded. The model guides itself.
_base_ = ['stopped.py', '../../configs/_base_/strategies/fsdp.py']

model = dict(train_cfg=dict(guide=dict(type='mmmix.SelfGuide')))
train_dataloader = dict(num_workers=1, dataset=dict(num_images=64))
strategy = dict(model_wrapper=dict(auto_wrap_policy=dict(min_num_params=2000)))
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=5))
custom_hooks = [dict(type='mmmix.StoppingHook', rank=1, by='SIGKILL')]
