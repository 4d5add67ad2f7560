"""Everything between the data loader and the loss."""
from .attention import (AbSViTTopDown, AttentionExtractor, AttentionMap,
                        BottomUp, ClassAttention, TopDown, find_extractor)
from .backbones import (AbSViT, CaiT, CASwin, PyramidVisionTransformer,
                        ResNeXt_CIFAR)
from .batch_augments import (AttentiveCutMix, BatchMixer, CutMix, FMix,
                             GridMixup, MaskMix, Mixup, RandomMixer, ResizeMix,
                             SaliencyMix, SMMix, SmoothMix)
from .channels import seen_channels
from .classifiers import MixClassifier
from .data_preprocessors import MixDataPreprocessor
from .guides import (EMAGuide, FrozenGuide, Guide, ImageGuide, NetworkGuide,
                     SelfGuide)
from .heads import MixLinearClsHead, MixVisionTransformerClsHead
from .label_rules import (AreaAttentionLabel, LabelRule,
                          ProgressiveAttentionLabel, TransMixLabel)
from .losses import ConsistencyLoss, FineGrainedLoss, MixLoss
from .necks import ClassTokenNeck

__all__ = [
    'AbSViT', 'AbSViTTopDown', 'AreaAttentionLabel', 'AttentionExtractor',
    'AttentiveCutMix', 'BatchMixer', 'BottomUp', 'CASwin', 'CaiT',
    'ClassAttention', 'ClassTokenNeck', 'ConsistencyLoss', 'CutMix',
    'EMAGuide', 'FMix', 'FineGrainedLoss', 'FrozenGuide', 'GridMixup', 'Guide',
    'ImageGuide', 'LabelRule', 'MaskMix', 'MixClassifier',
    'MixDataPreprocessor', 'MixLinearClsHead', 'MixLoss',
    'MixVisionTransformerClsHead', 'NetworkGuide', 'RandomMixer', 'Mixup',
    'ProgressiveAttentionLabel', 'PyramidVisionTransformer', 'ResNeXt_CIFAR',
    'ResizeMix', 'SMMix', 'SaliencyMix', 'SelfGuide', 'SmoothMix', 'TopDown',
    'TransMixLabel', 'AttentionMap', 'find_extractor', 'seen_channels'
]
