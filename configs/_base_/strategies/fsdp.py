# For a model that is too large for one GPU: weights, gradients and the state
# of the optimizer are sharded over all processes, one block of the transformer
# at a time. Add it to the `_base_` of a config (docs/launching.md).
runner_type = 'FlexibleRunner'
strategy = dict(
    type='FSDPStrategy',
    _scope_='mmmix',
    model_wrapper=dict(
        auto_wrap_policy=dict(
            type='torch.distributed.fsdp.wrap.size_based_auto_wrap_policy',
            # below one block: DeiT-B's has 7.1 million, DeiT-S's 1.8
            min_num_params=int(5e6))))
