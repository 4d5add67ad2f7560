# stopped.py, in a loop of iterations.
_base_ = 'stopped.py'

train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=11)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=2))
log_processor = dict(by_epoch=False)
