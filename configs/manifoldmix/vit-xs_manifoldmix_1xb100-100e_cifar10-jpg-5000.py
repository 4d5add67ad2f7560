_base_ = [
    '../vanilla/vit-xs_vanilla_1xb100-100e_cifar10-jpg-5000.py',
    '../_base_/mixing/manifoldmix.py',
]

# the paper has no transformer: the images and the outputs of the first two of
# the six blocks, for those of the first two stages of a ResNet
_base_.mixing.augments[0].sites = ['input', 'layers.0', 'layers.1']
model = dict(train_cfg=_base_.mixing)
