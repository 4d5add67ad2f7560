# With a ResNet-18 as the extractor, as in OpenMixup's benchmark
_base_ = './attentive_cutmix.py'

mixing = dict(
    guide=dict(
        config='mmpretrain::resnet/resnet18_8xb32_in1k.py',
        checkpoint='https://mmassets.onedl.ai/mmclassification/v0/resnet/'
        'resnet18_8xb32_in1k_20210831-fbbb1da6.pth'))
