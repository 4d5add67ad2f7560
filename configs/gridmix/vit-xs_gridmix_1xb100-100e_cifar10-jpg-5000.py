_base_ = [
    '../vanilla/vit-xs_vanilla_1xb100-100e_cifar10-jpg-5000.py',
    '../_base_/mixing/gridmix.py',
]

model = dict(train_cfg=_base_.mixing, head=dict(mix_losses=_base_.mix_losses))
