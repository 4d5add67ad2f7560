# OpenMixup's SmoothMix: the label weighs the other image's share.
_base_ = '../vanilla/resnet18-cifar_vanilla_1xb100-200e_cifar100.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.SmoothMix', swapped_label=True)],
        probs=[1.0]))
