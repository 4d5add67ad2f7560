_base_ = [
    '../vanilla/vit-xs_vanilla_tiny-imagenet.py',
    '../_base_/mixing/small/transmix.py',
]

model = dict(train_cfg=_base_.mixing, head=dict(label_rule=_base_.label_rule))
