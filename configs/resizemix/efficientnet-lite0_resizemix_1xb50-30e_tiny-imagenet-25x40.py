_base_ = [
    '../vanilla/efficientnet-lite0_vanilla_1xb50-30e_tiny-imagenet-25x40.py',
    '../_base_/mixing/resizemix.py',
]

# in half of the iterations, as every method on the small sets
model = dict(train_cfg=dict(_base_.mixing, probs=[0.5]))
