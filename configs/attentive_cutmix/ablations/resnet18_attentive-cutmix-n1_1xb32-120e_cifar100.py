# Section 4.6: one cell instead of six
_base_ = '../resnet18_attentive-cutmix_1xb32-120e_cifar100.py'

model = dict(
    train_cfg=dict(augments=[dict(type='mmmix.AttentiveCutMix', num_cells=1)]))
