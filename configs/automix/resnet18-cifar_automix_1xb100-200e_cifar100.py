# OpenMixup's AutoMix. The published number is that of the average, which
# EMAHook validates and saves.
_base_ = '../vanilla/resnet18-cifar_vanilla_1xb100-200e_cifar100.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.AutoMix', lam_channel=False)],
        probs=[1.0],
        guide=dict(type='mmmix.EMAGuide', feature_layer='layer3')),
    head=dict(mix_losses=dict(unmixed=dict(type='mmmix.UnmixedLoss'))))

custom_hooks = [
    dict(type='EMAHook', momentum=1e-3, update_buffers=True),
    dict(
        type='mmmix.EMAGuideHook', momentum=1e-3, end_momentum=1e-6, begin=0.1)
]

param_scheduler = dict(eta_min=0.05)
