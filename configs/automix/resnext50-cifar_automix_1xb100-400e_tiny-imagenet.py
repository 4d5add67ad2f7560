# OpenMixup's AutoMix. The published number is that of the average, which
# EMAHook validates and saves. OpenMixup has 2 x 50 images here: its batch norm
# sees 50 of them, not 100.
_base_ = '../vanilla/resnext50-cifar_vanilla_1xb100-400e_tiny-imagenet.py'

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

# the block's own learning rate and its end
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys=dict(mixers=dict(lr=0.1, eta_min=1e-3))))

param_scheduler = dict(type='mmmix.GroupCosineAnnealingLR', eta_min=0.05)
