_base_ = '../vanilla/resnet18-cifar_vanilla_1xb100-200e_cifar100.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.Mixup', alpha=1.0)], probs=[1.0]))
