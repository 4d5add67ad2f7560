_base_ = [
    '../vanilla/resnet-xs_vanilla_1xb128-15e_tiny-imagenet-25.py',
    '../_base_/mixing/small/tdattenmix.py',
]

# as in ../_base_/mixing/tdattenmix_cnn.py: regions on a grid of 14 x 14, no
# fine-grained loss
mixing = dict(augments=[dict(type='mmmix.SMMix', grid=14)])

model = dict(
    train_cfg=mixing,
    head=dict(
        label_rule=_base_.label_rule,
        mix_losses=dict(consistency=_base_.mix_losses.consistency)))
