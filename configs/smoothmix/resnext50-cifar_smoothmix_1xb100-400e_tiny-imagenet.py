# OpenMixup's SmoothMix: the label weighs the other image's share.
_base_ = '../vanilla/resnext50-cifar_vanilla_1xb100-400e_tiny-imagenet.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.SmoothMix', swapped_label=True)],
        probs=[1.0]))
