_base_ = [
    '../vanilla/resnext50-cifar_vanilla_2xb100-400e_tiny-imagenet.py',
    '../_base_/mixing/tdattenmix_cnn.py',
]

model = dict(
    train_cfg=_base_.mixing,
    head=dict(label_rule=_base_.label_rule, mix_losses=_base_.mix_losses))
