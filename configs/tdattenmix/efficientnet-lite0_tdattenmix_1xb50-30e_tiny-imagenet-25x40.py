_base_ = [
    '../vanilla/efficientnet-lite0_vanilla_1xb50-30e_tiny-imagenet-25x40.py',
    '../_base_/mixing/tdattenmix_cnn.py',
]

# in half of the iterations, as every method on the small sets
model = dict(
    train_cfg=dict(
        _base_.mixing, augments=_base_.mixing.augments[:1], probs=[0.5]),
    head=dict(
        label_rule=_base_.label_rule,
        mix_losses=dict(consistency=_base_.mix_losses.consistency)))
