# With a ResNet-50 as the extractor, as for the ViTs of OpenMixup's benchmark
_base_ = './attentive_cutmix_resnet18.py'

mixing = dict(
    guide=dict(
        config='mmpretrain::resnet/resnet50_8xb32_in1k.py',
        checkpoint='https://mmassets.onedl.ai/mmclassification/v0/resnet/'
        'resnet50_8xb32_in1k_20210831-ea4938fc.pth'))
