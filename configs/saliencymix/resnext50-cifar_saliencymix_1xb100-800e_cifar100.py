# OpenMixup's SaliencyMix: one box a batch, placed by the first source's map.
# The map is the image's own, where that of OpenMixup is noise (README.md).
_base_ = '../vanilla/resnext50-cifar_vanilla_1xb100-800e_cifar100.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.SaliencyMix', alpha=0.2, per_image=False)],
        probs=[1.0],
        guide=dict(attention=dict(type='mmmix.ImageGuide'))))

# OpenMixup, for ResNeXt-50 on CIFAR-100 with methods that cut and paste
optim_wrapper = dict(optimizer=dict(weight_decay=5e-4))
