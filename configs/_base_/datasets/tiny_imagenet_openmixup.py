# As in OpenMixup's benchmark: resized crops, 100 images on a GPU.
_base_ = './tiny_imagenet.py'

train_pipeline = [
    dict(type='mmmix.LoadImage'),
    dict(
        type='RandomResizedCrop',
        scale=64,
        backend='pillow',
        interpolation='bicubic'),
    *_base_.train_pipeline[2:],
]
train_dataloader = dict(batch_size=100, dataset=dict(pipeline=train_pipeline))
