# A CNN has no patch tokens, so there is no fine-grained loss
_base_ = [
    '../vanilla/efficientnet-lite0_vanilla_1xb50-30e_tiny-imagenet-25x40.py',
    '../_base_/mixing/smmix.py',
]

model = dict(
    train_cfg=_base_.mixing,
    head=dict(mix_losses=dict(consistency=_base_.mix_losses.consistency)))
