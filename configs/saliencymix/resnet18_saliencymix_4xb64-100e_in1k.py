# OpenMixup's SaliencyMix: one box a batch, placed by the first source's map.
# The map is the image's own, where that of OpenMixup is noise (README.md).
_base_ = '../vanilla/resnet18_vanilla_4xb64-100e_in1k.py'

model = dict(
    train_cfg=dict(
        augments=[dict(type='mmmix.SaliencyMix', alpha=0.2, per_image=False)],
        probs=[1.0],
        guide=dict(attention=dict(type='mmmix.ImageGuide'))))
