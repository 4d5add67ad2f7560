# names that mmmix does not have are looked up in MMPretrain, then MMEngine
default_scope = 'mmmix'

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=2),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    # names a sample that is being loaded for so many seconds
    loading=dict(type='mmmix.LoadingHook', slow_after=60),
    # draws the predictions of the validation if enabled
    visualization=dict(type='VisualizationHook', enable=False),
)

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)

vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='UniversalVisualizer', vis_backends=vis_backends)

log_level = 'INFO'
load_from = None
resume = False
# All randomness, including that of the mixers, comes from this seed. With None
# MMEngine draws one, but a resumed run then mixes and shuffles differently.
randomness = dict(seed=0, deterministic=False)
