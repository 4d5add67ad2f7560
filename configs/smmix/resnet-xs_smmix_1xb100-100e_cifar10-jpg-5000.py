# A CNN has no patch tokens, so there is no fine-grained loss
_base_ = [
    '../vanilla/resnet-xs_vanilla_1xb100-100e_cifar10-jpg-5000.py',
    '../_base_/mixing/smmix.py',
]

model = dict(
    train_cfg=_base_.mixing,
    head=dict(mix_losses=dict(consistency=_base_.mix_losses.consistency)))
