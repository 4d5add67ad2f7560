# Stretched to 512 x 512 pixels, as in the public code of Naseer et al., for
# backbones that take any size: 32 x 32 patches of 16 pixels.
_base_ = './voc2012.py'

pipeline = [
    *_base_.pipeline[:2],
    dict(type='Resize', scale=(512, 512)),
    _base_.pipeline[-1],
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
val_dataloader = dict(dataset=dict(pipeline=pipeline))
test_dataloader = val_dataloader
