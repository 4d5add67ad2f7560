# Enlarged to 128 x 128 pixels, for backbones whose last map is 32 times
# smaller than the image.
_base_ = './tiny_imagenet_25.py'

train_pipeline = [
    *_base_.train_pipeline[:-1],
    dict(type='Resize', scale=128),
    _base_.train_pipeline[-1],
]
test_pipeline = [
    *_base_.test_pipeline[:-1],
    dict(type='Resize', scale=128),
    _base_.test_pipeline[-1],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
