# "GridMix" in the tables: OpenMixup ran Dobrynin's GridMixup.
_base_ = '../vanilla/resnext50-cifar_vanilla_1xb100-800e_cifar100.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.GridMixup', alpha=0.2, wrap_around=True)],
        probs=[1.0]))

# OpenMixup, for ResNeXt-50 on CIFAR-100 with methods that cut and paste
optim_wrapper = dict(optimizer=dict(weight_decay=5e-4))

train_cfg = dict(max_epochs=200)
