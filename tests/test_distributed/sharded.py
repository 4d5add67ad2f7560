# recorded.py, sharded: each block and the rest. The model guides itself.
_base_ = ['recorded.py', '../../configs/_base_/strategies/fsdp.py']

strategy = dict(model_wrapper=dict(auto_wrap_policy=dict(min_num_params=2000)))
custom_hooks = []
