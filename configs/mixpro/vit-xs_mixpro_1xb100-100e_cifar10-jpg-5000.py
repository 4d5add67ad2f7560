_base_ = [
    '../vanilla/vit-xs_vanilla_1xb100-100e_cifar10-jpg-5000.py',
    '../_base_/mixing/small/mixpro.py',
]

# 4 x 4 cells of two patches each
_base_.mixing.augments[0].patch_size = 4
model = dict(train_cfg=_base_.mixing, head=dict(label_rule=_base_.label_rule))
