# "GridMix" in the tables: OpenMixup ran Dobrynin's GridMixup.
_base_ = '../vanilla/resnext50-cifar_vanilla_1xb100-400e_tiny-imagenet.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.GridMixup', alpha=0.2, wrap_around=True)],
        probs=[1.0]))
