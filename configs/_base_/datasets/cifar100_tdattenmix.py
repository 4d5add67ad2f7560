# TdAttenMix's public code adds DeiT's RandAugment m9 mstd0.5 inc1 to resized
# crops of 224 pixels; here it is added to OpenMixup's images of 32 pixels.
_base_ = './cifar100_openmixup.py'

train_pipeline = [
    *_base_.train_pipeline[:-1],
    dict(
        type='RandAugment',
        policies='timm_increasing',
        num_policies=2,
        total_level=10,
        magnitude_level=9,
        magnitude_std=0.5,
        # ImageNet's mean, in the RGB of CIFAR
        hparams=dict(pad_val=[124, 116, 104], interpolation='bicubic')),
    _base_.train_pipeline[-1],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
