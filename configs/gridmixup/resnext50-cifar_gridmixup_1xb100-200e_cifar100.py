# "GridMix" in the tables: OpenMixup ran Dobrynin's GridMixup.
_base_ = '../vanilla/resnext50-cifar_vanilla_1xb100-800e_cifar100.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.GridMixup', alpha=0.2, wrap_around=True)],
        probs=[1.0]))

train_cfg = dict(max_epochs=200)
