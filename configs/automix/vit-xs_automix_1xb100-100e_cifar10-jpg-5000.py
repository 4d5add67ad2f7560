_base_ = [
    '../vanilla/vit-xs_vanilla_1xb100-100e_cifar10-jpg-5000.py',
    '../_base_/mixing/automix.py',
]

model = dict(
    train_cfg=dict(
        augments=_base_.mixing.augments,
        probs=_base_.mixing.probs,
        # half of the blocks, as the sixth of DeiT's twelve
        guide=dict(type='mmmix.EMAGuide', feature_layer='layers.2')),
    head=dict(mix_losses=_base_.mix_losses))
custom_hooks = _base_.average_hooks
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=_base_.own_rates))
