# DINO's ViT-S/16, to say what is salient: TdAttenMix, Fig. 5, and MixPro, Fig.
# 3, after Naseer et al. Its weights are made from those of its authors by
# MMPretrain's converter (docs/occlusion.md); they have no head.
_base_ = [
    '../../_base_/datasets/imagenet1k_deit.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='VisionTransformer',
        arch='deit-small',
        img_size=224,
        patch_size=16))
