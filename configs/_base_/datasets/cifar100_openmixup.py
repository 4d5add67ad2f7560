# As in OpenMixup's benchmark: borders reflected, 100 images on a GPU.
_base_ = './cifar100.py'

train_pipeline = [
    # torchvision's crop: MMPretrain's pads with zeros in any `padding_mode`
    dict(type='NumpyToPIL'),
    dict(
        type='torchvision/RandomCrop',
        size=32,
        padding=4,
        padding_mode='reflect'),
    dict(type='PILToNumpy'),
    *_base_.train_pipeline[1:],
]
train_dataloader = dict(batch_size=100, dataset=dict(pipeline=train_pipeline))
