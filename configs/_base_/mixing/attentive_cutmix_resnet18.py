# "AttentiveMix" of OpenMixup's benchmark: the number of cells is drawn for
# each batch, and the extractor is a ResNet-18
_base_ = './attentive_cutmix.py'

mixing = dict(
    augments=[
        dict(
            type='mmmix.AttentiveCutMix',
            alpha=2,
            lam='area',
            pairing='shuffle')
    ],
    guide=dict(
        config='mmpretrain::resnet/resnet18_8xb32_in1k.py',
        checkpoint='https://mmassets.onedl.ai/mmclassification/v0/resnet/'
        'resnet18_8xb32_in1k_20210831-fbbb1da6.pth'))
