"""Everything between the data loader and the loss."""
from .attention import (AbSViTTopDown, AttentionExtractor, AttentionMap,
                        BottomUp, ClassAttention, TopDown, find_extractor)
from .backbones import (AbSViT, CaiT, CASwin, PyramidVisionTransformer,
                        ResNeXt_CIFAR)
from .batch_augments import (AtSite, AttentiveCutMix, AutoMix, BatchMixer,
                             CoMixup, CutMix, FMix, GridMixup, ManifoldMix,
                             MaskMix, MixBlock, MixToken, Mixup, PuzzleMix,
                             RandomMixer, ReLabel, ResizeMix, SaliencyMix,
                             SMMix, SmoothMix)
from .channels import seen_channels
from .classifiers import MixClassifier
from .data_preprocessors import MixDataPreprocessor
from .guides import (EMAGuide, FrozenGuide, Guide, ImageGuide, LabelMapGuide,
                     NetworkGuide, SelfGuide, timm_guide)
from .heads import MixLinearClsHead, MixVisionTransformerClsHead
from .label_rules import (AreaAttentionLabel, LabelRule,
                          ProgressiveAttentionLabel, TokenMixLabel,
                          TransMixLabel)
from .losses import (ConsistencyLoss, DenseLabelLoss, FineGrainedLoss,
                     GeneratorLoss, MixLoss, UnmixedLoss)
from .necks import ClassTokenNeck

__all__ = [
    'AbSViT', 'AbSViTTopDown', 'AreaAttentionLabel', 'AtSite',
    'AttentionExtractor', 'AttentionMap', 'AttentiveCutMix', 'AutoMix',
    'BatchMixer', 'BottomUp', 'CASwin', 'CaiT', 'ClassAttention',
    'ClassTokenNeck', 'CoMixup', 'ConsistencyLoss', 'CutMix', 'DenseLabelLoss',
    'EMAGuide', 'FMix', 'FineGrainedLoss', 'FrozenGuide', 'GeneratorLoss',
    'GridMixup', 'Guide', 'ImageGuide', 'LabelMapGuide', 'LabelRule',
    'ManifoldMix', 'MaskMix', 'MixBlock', 'MixClassifier',
    'MixDataPreprocessor', 'MixLinearClsHead', 'MixLoss', 'MixToken',
    'MixVisionTransformerClsHead', 'Mixup', 'NetworkGuide',
    'ProgressiveAttentionLabel', 'PuzzleMix', 'PyramidVisionTransformer',
    'RandomMixer', 'ReLabel', 'ResNeXt_CIFAR', 'ResizeMix', 'SMMix',
    'SaliencyMix', 'SelfGuide', 'SmoothMix', 'TokenMixLabel', 'TopDown',
    'TransMixLabel', 'UnmixedLoss', 'find_extractor', 'seen_channels',
    'timm_guide'
]
