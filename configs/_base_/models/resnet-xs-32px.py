# The small ResNet for images of 32 x 32 pixels: CIFAR's stem, and a last
# feature map of 4 x 4.
_base_ = './resnet-xs.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNet_CIFAR',
        depth=18,
        stem_channels=16,
        base_channels=16))
