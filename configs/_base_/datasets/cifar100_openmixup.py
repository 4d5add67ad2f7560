# As in OpenMixup's benchmark: borders reflected, 100 images on a GPU.
_base_ = './cifar100.py'

data_preprocessor = dict(
    # those of CIFAR-10, as it has them
    mean=[125.307, 122.961, 113.8575],
    std=[51.5865, 50.847, 51.255])

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
