# Co-Mixup of OpenMixup's tables, which ran the authors' code, with its clean
# loss.
_base_ = '../vanilla/resnet18-cifar_vanilla_1xb100-400e_tiny-imagenet.py'

model = dict(
    train_cfg=dict(augments=[dict(type='mmmix.CoMixup')], probs=[1.0]),
    head=dict(mix_losses=dict(unmixed=dict(type='mmmix.UnmixedLoss'))))
