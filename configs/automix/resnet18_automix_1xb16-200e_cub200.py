# OpenMixup's AutoMix. The published number is that of the average, which
# EMAHook validates and saves.
_base_ = '../vanilla/resnet18_vanilla_1xb16-200e_cub200.py'

model = dict(
    train_cfg=dict(
        augments=[
            dict(
                type='mmmix.AutoMix',
                loss=dict(type='mmmix.GeneratorLoss', mask_decay='cosine'),
                pairing='distinct')
        ],
        probs=[1.0],
        guide=dict(type='mmmix.EMAGuide', feature_layer='layer3')),
    head=dict(mix_losses=dict(unmixed=dict(type='mmmix.UnmixedLoss'))))

custom_hooks = [
    dict(type='EMAHook', momentum=1e-3, update_buffers=True),
    dict(
        type='mmmix.EMAGuideHook', momentum=1e-3, end_momentum=1e-5, begin=0.1)
]

# the block's own learning rate and its end
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys=dict(mixers=dict(lr=0.01, eta_min=5e-4))))

param_scheduler = dict(type='mmmix.GroupCosineAnnealingLR', eta_min=0.0)
