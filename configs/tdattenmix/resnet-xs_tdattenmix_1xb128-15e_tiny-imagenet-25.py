_base_ = [
    '../vanilla/resnet-xs_vanilla_1xb128-15e_tiny-imagenet-25.py',
    '../_base_/mixing/small/tdattenmix.py',
]

# a CNN has no patch tokens, so there is no fine-grained loss (Eq. 18)
model = dict(
    train_cfg=_base_.mixing,
    head=dict(
        label_rule=_base_.label_rule,
        mix_losses=dict(consistency=_base_.mix_losses.consistency)))
