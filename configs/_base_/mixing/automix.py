# AutoMix alone in half of the iterations: the protocol of the small sets,
# which cutmix.py explains. Use `mixing` as `model.train_cfg`, `mix_losses` as
# `model.head.mix_losses`, `average_hooks` as `custom_hooks` and `own_rates`
# as `optim_wrapper.paramwise_cfg.custom_keys`.
mixing = dict(
    augments=[
        # the block is not told lambda, as on CIFAR-100 in the public code
        dict(type='mmmix.AutoMix', alpha=2.0, lam_channel=False)
    ],
    probs=[0.5],
    # k, the average; of a ResNet the third of four stages
    guide=dict(type='mmmix.EMAGuide', feature_layer='layer3'))

# q also learns from the unmixed images of a batch that it mixed
mix_losses = dict(unmixed=dict(type='mmmix.UnmixedLoss'))

# EMAHook keeps k, validates it and saves it as 'state_dict': the published
# numbers are k's. The network under training, q, is 'ema_state_dict'
# (tools/model_converters/stock.py --key). The second hook lets k guide, and
# its momentum fall: 1e-3 to 1e-6 in the public code, whose runs are ten to a
# hundred times as long as those of the small sets.
average_hooks = [
    dict(type='EMAHook', momentum=1e-2, update_buffers=True),
    dict(
        type='mmmix.EMAGuideHook', momentum=1e-2, end_momentum=1e-5, begin=0.1)
]

# The block learns as fast as the network, as on CIFAR-100. Another rate is
# dict(lr=0.1), one with another end dict(lr=0.1, eta_min=1e-3), for which the
# schedule is a `mmmix.GroupCosineAnnealingLR`.
own_rates = dict(mixers=dict(lr_mult=1.0))
