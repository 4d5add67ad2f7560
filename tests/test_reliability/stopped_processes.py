# stopped.py with what processes do not have in common: statistics of batch
# norm, which the guide uses, and gradients of an incomplete accumulation.
_base_ = 'stopped.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmpretrain.ResNet_CIFAR',
        depth=18,
        stem_channels=8,
        base_channels=8),
    neck=dict(type='mmpretrain.GlobalAveragePooling'),
    head=dict(type='mmmix.MixLinearClsHead', in_channels=64, mix_losses=None),
    train_cfg=dict(
        augments=[
            dict(type='mmmix.SMMix', pairing='shuffle'),
            dict(type='mmmix.Mixup', alpha=0.8)
        ],
        guide=dict(attention_map=dict(type='mmmix.TopDown', form='cam'))))
train_dataloader = dict(num_workers=1, dataset=dict(num_images=64))
optim_wrapper = dict(accumulative_counts=3)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=5))
custom_hooks = [
    dict(type='mmmix.StoppingHook', rank=1, by='SIGKILL'),
    dict(type='mmmix.EMAGuideHook', momentum=0.1)
]
