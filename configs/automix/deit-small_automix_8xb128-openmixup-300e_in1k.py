# OpenMixup's AutoMix. The published number is that of the average, which
# EMAHook validates and saves.
_base_ = '../vanilla/deit-small_vanilla_8xb128-openmixup-300e_in1k.py'

model = dict(
    backbone=dict(drop_path_rate=0.1),
    train_cfg=dict(
        augments=[
            dict(
                type='mmmix.AutoMix',
                loss=dict(type='mmmix.GeneratorLoss', mask_decay='cosine'),
                train_share=0.8)
        ],
        probs=[1.0],
        guide=dict(type='mmmix.EMAGuide', feature_layer='layers.5')),
    head=dict(mix_losses=dict(unmixed=dict(type='mmmix.UnmixedLoss'))))

custom_hooks = [
    dict(type='EMAHook', momentum=1e-3, update_buffers=True),
    dict(
        type='mmmix.EMAGuideHook',
        momentum=1e-3,
        end_momentum=1e-5,
        begin=0.25)
]

# the block's own learning rate and its end
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys=dict(mixers=dict(lr=1e-3, eta_min=1e-4))))

param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=1e-3,
        by_epoch=True,
        end=5,
        convert_to_iter_based=True),
    dict(
        type='mmmix.GroupCosineAnnealingLR',
        eta_min=1e-5,
        by_epoch=True,
        begin=5)
]
