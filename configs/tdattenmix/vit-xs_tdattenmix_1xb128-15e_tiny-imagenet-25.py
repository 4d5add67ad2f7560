_base_ = [
    '../vanilla/vit-xs_vanilla_1xb128-15e_tiny-imagenet-25.py',
    '../_base_/mixing/small/tdattenmix.py',
]

model = dict(
    train_cfg=_base_.mixing,
    head=dict(label_rule=_base_.label_rule, mix_losses=_base_.mix_losses))
